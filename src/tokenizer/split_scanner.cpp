#include "tokenizer/split_scanner.hpp"

#include "tokenizer/character_runs.hpp"
#include "tokenizer/split_patterns.hpp"

namespace axl::tokenizer {
namespace {

using unicode::kLetter;
using unicode::kLowerRun;
using unicode::kMark;
using unicode::kNumber;
using unicode::kPunctuation;
using unicode::kSpace;
using unicode::kSymbol;
using unicode::kUpperRun;

const char* next_gpt2(const char* p, const Window& w) {
  const char* const first = skip_space(p, w.end);
  if (is_ascii_letter(*first)) return letters_end(first + 1, w);
  if (*p == '\'') {
    const std::uint32_t n = contraction<false>(p, w.end);
    if (n > 0) return p + n;
  }
  const Seen s = look(first, w.end);
  if ((s.bits & kLetter) != 0) return letters_end(first + s.bytes, w);
  if ((s.bits & kNumber) != 0) return numbers_end(first + s.bytes, w);
  if ((s.bits & kSpace) == 0) return others_end(first + s.bytes, w);
  return spaces_end(p, w);
}

template <int kDigits>
const char* next_cl100k(const char* p, const Window& w) {
  if (const char* const first = skip_space(p, w.end); is_ascii_letter(*first))
    return letters_end(first + 1, w);
  const Seen s = look(p, w.end);
  if ((s.bits & kLetter) != 0) return letters_end(p + s.bytes, w);
  if ((s.bits & kNumber) != 0) return numbers_end<kDigits>(p + s.bytes, w);
  if (*p == '\'') {
    const std::uint32_t n = contraction<true>(p, w.end);
    if (n > 0) return p + n;
  }
  if (!is_line_end(*p)) {  // one character of any other kind may lead a word
    const char* const word = p + s.bytes;
    const char* const after = letters_end(word, w);
    if (after != word) return after;
  }
  const char* const other = *p == ' ' ? p + 1 : p;
  const char* after = others_end(other, w);
  if (after == other) return spaces_and_lines_end(p, w);
  while (after < w.end && is_line_end(*after)) ++after;
  return after;
}

struct CasedWord {
  const char* end;  ///< nullptr: no word here
  bool ends_lower;
};

/// [upper]*[lower]+ from `p`, or else [upper]+. The classes share the letters without case and the
/// marks, so that the upper run may have to give its end back to the lower one.
CasedWord cased_word(const char* p, const Window& w) {
  const char* const upper = run_of<AsciiRun::upper, kUpperRun>(p, w);
  const char* const lower = run_of<AsciiRun::lower, kLowerRun>(upper, w);
  if (lower != upper) return {lower, true};
  for (const char* q = upper; q > p;) {  // the last character of the run that is lower too
    const char* const behind = q;
    do {
      --q;
    } while (q > p && (static_cast<unsigned char>(*q) & 0xC0) == 0x80);
    if ((look(q, w.end).bits & kLowerRun) != 0) return {behind, true};
  }
  return {upper == p ? nullptr : upper, false};
}

/// [^\r\n\p{L}\p{N}]?[upper]*[lower]+|[^\r\n\p{L}\p{N}]?[upper]+[lower]* from `p`, which is `s`;
/// nullptr where neither matches.
const char* led_word_end(const char* p, const Seen& s, const Window& w) {
  if ((s.bits & kLetter) != 0) return cased_word(p, w).end;
  if ((s.bits & kNumber) != 0 || is_line_end(*p)) return nullptr;
  const CasedWord led = cased_word(p + s.bytes, w);
  // A mark leads a word or is one by itself: the first alternative without a leading character
  // comes before the second one with it.
  return (s.bits & kMark) == 0 || led.ends_lower ? led.end : cased_word(p, w).end;
}

/// GPT-4o's pattern and its relatives; contractions go with the word before them.
template <int kDigits, bool kContractions>
const char* next_cased(const char* p, const Window& w) {
  const Seen s = look(p, w.end);
  if (const char* const word = led_word_end(p, s, w); word != nullptr) {
    if (kContractions && word < w.end && *word == '\'')
      return word + contraction<true>(word, w.end);
    return word;
  }
  if ((s.bits & kNumber) != 0) return numbers_end<kDigits>(p + s.bytes, w);
  const char* const other = *p == ' ' ? p + 1 : p;
  const char* after = others_end(other, w);
  if (after == other) return spaces_and_lines_end(p, w);
  while (after < w.end && (is_line_end(*after) || *after == '/')) ++after;
  return after;
}

/// DeepSeek's pattern for words. Nothing matches a control character that no letter follows:
/// nullptr.
const char* next_deepseek(const char* p, const Window& w) {
  constexpr std::uint8_t kWord = kLetter | kMark, kSign = kPunctuation | kSymbol;
  if (const char* const first = skip_space(p, w.end); is_ascii_letter(*first))
    return run_of<AsciiRun::letters, kWord>(first + 1, w);
  const Seen s = look(p, w.end);
  if ((s.bits & kWord) != 0) return run_of<AsciiRun::letters, kWord>(p + s.bytes, w);
  const char* const behind = p + s.bytes;
  if ((s.bits & kSign) == 0 && !is_line_end(*p)) {
    const char* const word = run_of<AsciiRun::letters, kWord>(behind, w);
    if (word != behind) return word;
  }
  if ((s.bits & kSign) != 0 && s.bytes == 1 && behind < w.end && is_ascii_letter(*behind))
    return end_of_run<AsciiRun::letters>(behind, w.end, w.readable);
  const char* const sign = skip_space(p, w.end);
  const char* after = sign;
  while (after < w.end) {
    const Seen next = look(after, w.end);
    if ((next.bits & kSign) == 0) break;
    after += next.bytes;
  }
  if (after != sign) {
    while (after < w.end && is_line_end(*after)) ++after;
    return after;
  }
  return (s.bits & kSpace) != 0 ? spaces_and_lines_end(p, w) : nullptr;
}

/// DeepSeek's scripts: the end of a run of them at `p`, or nullptr.
const char* next_han_or_kana(const char* p, const Window& w) {
  const char* q = p;
  while (q < w.end && static_cast<unsigned char>(*q) >= 0x80) {
    const unicode::Decoded d = unicode::decode(q, w.end);
    const bool belongs =
        (d.code >= 0x4E00 && d.code <= 0x9FA5) || (d.code >= 0x3040 && d.code <= 0x30FF);
    if (!belongs) break;
    q += d.bytes;
  }
  return q == p ? nullptr : q;
}

template <int kMost>
const char* next_numbers(const char* p, const Window& w) {
  const Seen s = look(p, w.end);
  return (s.bits & kNumber) == 0 ? nullptr : numbers_end<kMost>(p + s.bytes, w);
}

/// Pieces of a pattern that matches every character.
template <auto kNext>
void scan(std::string_view text, Span piece, std::vector<Span>& out) {
  const char* const base = text.data();
  const Window w{base + piece.end, base + text.size()};
  for (const char* p = base + piece.begin; p < w.end;) {
    const char* const q = kNext(p, w);
    out.push_back({static_cast<std::uint32_t>(p - base), static_cast<std::uint32_t>(q - base)});
    p = q;
  }
}

/// Pieces of a pattern that leaves gaps, which are pieces too. Runs of the characters kSkipped can
/// hold no match.
template <auto kNext, AsciiRun kSkipped>
void scan_gaps(std::string_view text, Span piece, std::vector<Span>& out) {
  const char* const base = text.data();
  const Window w{base + piece.end, base + text.size()};
  const auto put = [&](const char* begin, const char* end) {
    if (begin < end)
      out.push_back(
          {static_cast<std::uint32_t>(begin - base), static_cast<std::uint32_t>(end - base)});
  };
  const char* gap = base + piece.begin;
  for (const char* p = gap; p < w.end;) {
    p = end_of_run<kSkipped>(p, w.end, w.readable);
    if (p == w.end) break;
    if (const char* const q = kNext(p, w); q != nullptr) {
      put(gap, p);
      put(p, q);
      gap = p = q;
    } else {
      p += unicode::decode(p, w.end).bytes;
    }
  }
  put(gap, w.end);
}

}  // namespace

void scan_gpt2(std::string_view text, Span piece, std::vector<Span>& out) {
  scan<&next_gpt2>(text, piece, out);
}

void scan_digits(std::string_view text, Span piece, std::vector<Span>& out) {
  scan_gaps<&next_numbers<1>, AsciiRun::digit_free>(text, piece, out);
}

Scanner scanner_for(std::string_view pattern) {
  if (pattern == split_patterns::gpt2()) return &scan_gpt2;
  if (pattern == split_patterns::cl100k(3)) return &scan<&next_cl100k<3>>;
  if (pattern == split_patterns::cl100k(1)) return &scan<&next_cl100k<1>>;
  if (pattern == split_patterns::o200k()) return &scan<&next_cased<3, true>>;
  if (pattern == split_patterns::tekken()) return &scan<&next_cased<1, false>>;
  if (pattern == split_patterns::deepseek_numbers())
    return &scan_gaps<&next_numbers<3>, AsciiRun::digit_free>;
  if (pattern == split_patterns::deepseek_han_and_kana())
    return &scan_gaps<&next_han_or_kana, AsciiRun::any>;
  if (pattern == split_patterns::deepseek_words())
    return &scan_gaps<&next_deepseek, AsciiRun::none>;
  return nullptr;
}

bool matches_everything(std::string_view pattern) {
  return pattern == split_patterns::gpt2() || pattern == split_patterns::cl100k(3) ||
         pattern == split_patterns::cl100k(1) || pattern == split_patterns::o200k() ||
         pattern == split_patterns::tekken();
}

}  // namespace axl::tokenizer
