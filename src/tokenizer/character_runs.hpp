#pragma once
#include <array>
#include <cstdint>

#include "tokenizer/ascii_runs.hpp"
#include "tokenizer/regex.hpp"
#include "tokenizer/unicode.hpp"

/// What the hand-written scanners of split patterns are made of: the class of a character and the
/// ends of the runs that the patterns speak of.
namespace axl::tokenizer {

/// What a scanner may look at: characters up to `end`, memory up to `readable`.
struct Window {
  const char* end;
  const char* readable;
};

/// Class of the character at `p`, and its length.
struct Seen {
  std::uint8_t bits;
  std::uint32_t bytes;
};

constexpr std::array<std::uint8_t, 128> ascii_classes() {
  using namespace unicode;
  std::array<std::uint8_t, 128> t{};
  for (std::size_t c = 0; c < 128; ++c) {
    if (c >= 'a' && c <= 'z') t[c] = kLetter | kLowerRun;
    if (c >= 'A' && c <= 'Z') t[c] = kLetter | kUpperRun;
    if (c >= '0' && c <= '9') t[c] = kNumber;
    if (c == ' ' || (c >= 9 && c <= 13)) t[c] = kSpace;
    if (t[c] == 0 && c > ' ' && c < 0x7F) t[c] = kPunctuation;
  }
  for (const char c : {'$', '+', '<', '=', '>', '^', '`', '|', '~'})
    t[static_cast<std::size_t>(c)] = kSymbol;
  return t;
}
inline constexpr std::array<std::uint8_t, 128> kAsciiClasses = ascii_classes();

inline Seen look(const char* p, const char* end) {
  const auto c = static_cast<unsigned char>(*p);
  if (c < 128) return {kAsciiClasses[c], 1};
  const unicode::Decoded d = unicode::decode(p, end);
  return {unicode::classes(d.code), d.bytes};
}

/// The end of a run of characters of the class `kClass`, whose ASCII part is `kRun`.
template <AsciiRun kRun, std::uint8_t kClass>
inline const char* run_of(const char* p, const Window& w) {
  p = end_of_run<kRun>(p, w.end, w.readable);
  while (p < w.end && static_cast<unsigned char>(*p) >= 0x80) {
    const Seen s = look(p, w.end);
    if ((s.bits & kClass) == 0) break;
    p += s.bytes;
    if (p < w.end && static_cast<unsigned char>(*p) < 0x80)
      p = end_of_run<kRun>(p, w.end, w.readable);
  }
  return p;
}
inline const char* letters_end(const char* p, const Window& w) {
  return run_of<AsciiRun::letters, unicode::kLetter>(p, w);
}

inline const char* numbers_end(const char* p, const Window& w) {
  while (p < w.end) {
    const Seen s = look(p, w.end);
    if ((s.bits & unicode::kNumber) == 0) break;
    p += s.bytes;
  }
  return p;
}

/// The same for a run of at most `kMost` numbers of which one is behind `p` already.
template <int kMost>
inline const char* numbers_end(const char* p, const Window& w) {
  for (int n = 1; n < kMost && p < w.end; ++n) {
    const Seen s = look(p, w.end);
    if ((s.bits & unicode::kNumber) == 0) break;
    p += s.bytes;
  }
  return p;
}

/// [^\s\p{L}\p{N}]*
inline const char* others_end(const char* p, const Window& w) {
  constexpr std::uint8_t kNotOther = unicode::kLetter | unicode::kNumber | unicode::kSpace;
  while (p < w.end) {
    const Seen s = look(p, w.end);
    if ((s.bits & kNotOther) != 0) break;
    p += s.bytes;
  }
  return p;
}

inline bool is_line_end(char c) { return c == '\n' || c == '\r'; }

/// \s+(?!\S)|\s+ from `p`, which is a space: the run without its last character, unless that is all
/// there is or the text ends with it.
inline const char* spaces_end(const char* p, const Window& w) {
  const char* last = p;
  const char* q = p;
  while (q < w.end) {
    const Seen s = look(q, w.end);
    if ((s.bits & unicode::kSpace) == 0) break;
    last = q;
    q += s.bytes;
  }
  return q == w.end || last == p ? q : last;
}

/// \s*[\r\n]+|\s+(?!\S)|\s+ from `p`, which is a space: up to the last line end among the spaces,
/// if there is one.
inline const char* spaces_and_lines_end(const char* p, const Window& w) {
  const char* after_lines = nullptr;
  const char* last = p;
  const char* q = p;
  while (q < w.end) {
    const Seen s = look(q, w.end);
    if ((s.bits & unicode::kSpace) == 0) break;
    if (is_line_end(*q)) after_lines = q + 1;
    last = q;
    q += s.bytes;
  }
  if (after_lines != nullptr) return after_lines;
  return q == w.end || last == p ? q : last;
}

/// Bytes of 's 't 're 've 'm 'll 'd at `p`, which is an apostrophe; 0 for none. Case-blind matching
/// follows Unicode: U+017F (two bytes) is an s too.
template <bool kAnyCase>
inline std::uint32_t contraction(const char* p, const char* end) {
  if (end - p < 2) return 0;
  const auto fold = [](char c) { return kAnyCase && c >= 'A' && c <= 'Z' ? c + 32 : c + 0; };
  const int a = fold(p[1]);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  if (end - p < 3) return 0;
  const int b = fold(p[2]);
  if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
  if (kAnyCase && p[1] == '\xC5' && p[2] == '\xBF') return 3;
  return 0;
}

/// The text behind a space, if `p` is one and something follows it: most words come with a space.
inline const char* skip_space(const char* p, const char* end) {
  return p + static_cast<int>(*p == ' ' && p + 1 < end);
}
inline bool is_ascii_letter(char c) { return belongs<AsciiRun::letters>(c); }

}  // namespace axl::tokenizer
