#include "tokenizer/split_scanner.hpp"

#include <array>

#include "tokenizer/unicode.hpp"

namespace axl::tokenizer {

const char* const kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

using unicode::kLetter;
using unicode::kNumber;
using unicode::kSpace;

constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwenPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::uint8_t kNotOther = kLetter | kNumber | kSpace;

constexpr std::array<std::uint8_t, 128> ascii_classes() {
  std::array<std::uint8_t, 128> t{};
  for (std::size_t c = 0; c < 128; ++c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) t[c] = kLetter;
    if (c >= '0' && c <= '9') t[c] = kNumber;
    if (c == ' ' || (c >= 9 && c <= 13)) t[c] = kSpace;
  }
  return t;
}
constexpr std::array<std::uint8_t, 128> kAscii = ascii_classes();

/// Class of the character at `p`, and its length.
struct Seen {
  std::uint8_t bits;
  std::uint32_t bytes;
};
inline Seen look(const char* p, const char* end) {
  const auto c = static_cast<unsigned char>(*p);
  if (c < 128) return {kAscii[c], 1};
  const unicode::Decoded d = unicode::decode(p, end);
  return {unicode::classes(d.code), d.bytes};
}

inline const char* run_of(const char* p, const char* end, std::uint8_t bits) {
  while (p < end) {
    const Seen s = look(p, end);
    if ((s.bits & bits) == 0) break;
    p += s.bytes;
  }
  return p;
}
/// The run of what is neither space nor letter nor number.
inline const char* run_of_others(const char* p, const char* end) {
  while (p < end) {
    const Seen s = look(p, end);
    if ((s.bits & kNotOther) != 0) break;
    p += s.bytes;
  }
  return p;
}

/// \s+(?!\S)|\s+ from `p`, which is a space: the run without its last character, unless that is all
/// there is or the text ends with it.
const char* spaces_before_word(const char* p, const char* end) {
  const char* last = p;
  const char* q = p;
  while (q < end) {
    const Seen s = look(q, end);
    if ((s.bits & kSpace) == 0) break;
    last = q;
    q += s.bytes;
  }
  return q == end || last == p ? q : last;
}

/// Bytes of 's 't 're 've 'm 'll 'd at `p` (which is the apostrophe), 0 for none. Case-blind
/// matching follows Unicode: U+017F (two bytes) is an s too.
template <bool kAnyCase>
std::uint32_t contraction(const char* p, const char* end) {
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

template <int kDigits>
void scan_cl100k(std::string_view text, Span piece, std::vector<Span>& out) {
  const char* const base = text.data();
  const char* p = base + piece.begin;
  const char* const end = base + piece.end;
  while (p < end) {
    const char* q = nullptr;
    const Seen s = look(p, end);
    const bool newline = *p == '\n' || *p == '\r';
    if ((s.bits & kLetter) != 0) {
      q = run_of(p + s.bytes, end, kLetter);
    } else if ((s.bits & kNumber) != 0) {
      q = p + s.bytes;
      for (int n = 1; n < kDigits && q < end; ++n) {
        const Seen next = look(q, end);
        if ((next.bits & kNumber) == 0) break;
        q += next.bytes;
      }
    } else {
      if (*p == '\'') {
        const std::uint32_t n = contraction<true>(p, end);
        if (n > 0) q = p + n;
      }
      if (q == nullptr && !newline) {  // one character of any other kind may lead a word
        const char* word = p + s.bytes;
        const char* after = run_of(word, end, kLetter);
        if (after != word) q = after;
      }
      if (q == nullptr) {
        const char* other = *p == ' ' ? p + 1 : p;
        const char* after = run_of_others(other, end);
        if (after != other) {
          while (after < end && (*after == '\r' || *after == '\n')) ++after;
          q = after;
        }
      }
      if (q == nullptr) {  // spaces: up to the last line end among them, if there is one
        const char* newlines = nullptr;
        const char* r = p;
        while (r < end) {
          const Seen next = look(r, end);
          if ((next.bits & kSpace) == 0) break;
          if (*r == '\n' || *r == '\r') newlines = r + 1;
          r += next.bytes;
        }
        q = newlines != nullptr ? newlines : spaces_before_word(p, end);
      }
    }
    out.push_back({static_cast<std::uint32_t>(p - base), static_cast<std::uint32_t>(q - base)});
    p = q;
  }
}

}  // namespace

void scan_gpt2(std::string_view text, Span piece, std::vector<Span>& out) {
  const char* const base = text.data();
  const char* p = base + piece.begin;
  const char* const end = base + piece.end;
  while (p < end) {
    const char* q = nullptr;
    if (*p == '\'') {
      const std::uint32_t n = contraction<false>(p, end);
      if (n > 0) q = p + n;
    }
    if (q == nullptr) {
      const char* first = *p == ' ' && p + 1 < end ? p + 1 : p;
      const Seen s = look(first, end);
      if ((s.bits & kLetter) != 0) {
        q = run_of(first + s.bytes, end, kLetter);
      } else if ((s.bits & kNumber) != 0) {
        q = run_of(first + s.bytes, end, kNumber);
      } else if ((s.bits & kSpace) == 0) {
        q = run_of_others(first + s.bytes, end);
      } else {
        q = spaces_before_word(p, end);
      }
    }
    out.push_back({static_cast<std::uint32_t>(p - base), static_cast<std::uint32_t>(q - base)});
    p = q;
  }
}

Scanner scanner_for(std::string_view pattern) {
  if (pattern == kGpt2Pattern) return &scan_gpt2;
  if (pattern == kLlama3Pattern) return &scan_cl100k<3>;
  if (pattern == kQwenPattern) return &scan_cl100k<1>;
  return nullptr;
}

}  // namespace axl::tokenizer
