#include "tokenizer/jinja/word_wrap.hpp"

#include <algorithm>
#include <string_view>

#include "tokenizer/jinja/text.hpp"
#include "tokenizer/jinja/value.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

using Text = std::u32string_view;

bool is_blank(char32_t c) { return c == U' ' || (c >= U'\t' && c <= U'\r'); }
bool is_letter(char32_t c) { return c == U'_' || (unicode::classes(c) & unicode::kLetter) != 0; }
bool is_word(char32_t c) { return is_letter(c) || (unicode::classes(c) & unicode::kNumber) != 0; }
bool ends_word(char32_t c) {
  return is_word(c) || std::u32string_view(U"!\"'&.,?").find(c) != std::u32string_view::npos;
}

/// Cuts a line into what a line break may stand between: blanks, words, parts of hyphenated words,
/// and dashes between words.
class Chunks {
 public:
  Chunks(Text text, bool hyphens) : text_(text), hyphens_(hyphens) {}

  std::vector<Text> all() const {
    std::vector<Text> out;
    for (std::size_t at = 0; at < text_.size();) {
      const std::size_t end = next(at);
      out.push_back(text_.substr(at, end - at));
      at = end;
    }
    return out;
  }

 private:
  char32_t at(std::size_t i) const { return i < text_.size() ? text_[i] : U' '; }
  bool letter(std::size_t i) const { return i < text_.size() && is_letter(text_[i]); }

  /// Two or more hyphens at i, between words; their end, else i.
  std::size_t dash(std::size_t i) const {
    if (i == 0 || !ends_word(text_[i - 1])) return i;
    std::size_t end = i;
    while (at(end) == U'-') ++end;
    return end - i >= 2 && end < text_.size() && is_word(text_[end]) ? end : i;
  }
  /// The hyphen at i joins parts of a word that may be parted.
  bool joins(std::size_t i) const {
    if (at(i) != U'-') return false;
    const bool before =
        (i >= 2 && letter(i - 1) && letter(i - 2)) ||
        (i >= 3 && ends_word(text_[i - 1]) && text_[i - 2] == U'-' && letter(i - 3));
    return before && letter(i + 1) && letter(at(i + 2) == U'-' ? i + 3 : i + 2);
  }
  std::size_t next(std::size_t from) const {
    std::size_t end = from;
    while (end < text_.size() && is_blank(text_[end])) ++end;
    if (end > from) return end;
    if (!hyphens_) {
      while (end < text_.size() && !is_blank(text_[end])) ++end;
      return end;
    }
    if ((end = dash(from)) > from) return end;
    for (end = from + 1; end < text_.size() && !is_blank(text_[end]); ++end) {
      if (joins(end)) return end + 1;
      if (dash(end) > end) return end;
    }
    return end;
  }

  Text text_;
  bool hyphens_;
};

bool only_space(Text text) { return std::all_of(text.begin(), text.end(), &python_space); }

}  // namespace

std::vector<std::string> word_wrap(std::string_view line, const WrapStyle& style) {
  if (style.width < 1) fail("invalid width " + std::to_string(style.width) + " (must be > 0)");
  const auto width = static_cast<std::size_t>(style.width);
  const std::u32string text = unicode::to_utf32(line);
  const std::vector<Text> chunks = Chunks(text, style.break_on_hyphens).all();
  std::vector<std::string> out;
  std::size_t next = 0, from = 0;  // the chunk that comes next, and what of it is used already
  const auto front = [&] { return chunks[next].substr(from); };
  const auto drop = [&] {
    ++next;
    from = 0;
  };
  while (next < chunks.size()) {
    if (!out.empty() && only_space(front())) drop();
    std::vector<Text> parts;
    std::size_t length = 0;
    for (; next < chunks.size() && length + front().size() <= width; drop()) {
      length += front().size();
      parts.push_back(front());
    }
    if (next < chunks.size() && front().size() > width) {
      if (style.break_long_words) {
        std::size_t end = width - length;
        const Text head = front().substr(0, end);
        const std::size_t hyphen = style.break_on_hyphens ? head.rfind(U'-') : Text::npos;
        if (hyphen != Text::npos && head.find_first_not_of(U'-') < hyphen) end = hyphen + 1;
        parts.push_back(front().substr(0, end));
        from += end;
      } else if (parts.empty()) {
        parts.push_back(front());
        drop();
      }
    }
    if (!parts.empty() && only_space(parts.back())) parts.pop_back();
    if (parts.empty()) continue;
    std::string& wrapped = out.emplace_back();
    for (const Text part : parts)
      for (const char32_t c : part) unicode::append(c, wrapped);
  }
  return out;
}

}  // namespace axl::tokenizer::jinja
