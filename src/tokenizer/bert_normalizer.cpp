#include "tokenizer/bert_normalizer.hpp"

#include <algorithm>

#include "tokenizer/json_fields.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/unicode_sets.hpp"

namespace axl::tokenizer {
namespace {

/// The ranges of BERT's own code, with the gap of the `tokenizers` package at U+2B820.
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

/// Rewrites the text character by character: `put(code, bytes, out)`.
template <class Put>
void rewrite(std::string& text, const Put& put) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const unicode::Decoded d = unicode::decode(p, end);
    put(d.code, std::string_view(p, d.bytes), out);
    p += d.bytes;
  }
  text = std::move(out);
}

bool is_line_or_tab(char32_t c) { return c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

BertNormalizer::BertNormalizer(const nlohmann::ordered_json& spec)
    : clean_text_(field_bool(spec, "clean_text", true)),
      handle_chinese_chars_(field_bool(spec, "handle_chinese_chars", true)),
      strip_accents_(false),
      lowercase_(field_bool(spec, "lowercase", true)) {
  // null: accents go where letters become small.
  strip_accents_ = field_bool(spec, "strip_accents", lowercase_);
  for (std::size_t c = 0; c < ascii_.size(); ++c) {
    std::string text(1, static_cast<char>(c));
    rewrite_all(text);
    ascii_[c] = text.empty() ? kRemoved : static_cast<std::int16_t>(text[0]);
  }
}

/// Characters of ASCII become one of ASCII or none whatever is around them, and stay apart from the
/// others in normalisation: each stretch is rewritten by itself.
void BertNormalizer::operator()(std::string& text) const {
  std::string out, stretch;
  out.resize(text.size());
  char* to = out.data();
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (is_ascii(*p)) {
      const std::int16_t c = ascii_[static_cast<std::size_t>(*p++)];
      *to = static_cast<char>(c);
      to += c != kRemoved;
      continue;
    }
    const char* const begin = p;
    while (p < end && !is_ascii(*p)) ++p;
    stretch.assign(begin, p);
    rewrite_all(stretch);
    const auto done = static_cast<std::size_t>(to - out.data());
    out.resize(done + stretch.size() + static_cast<std::size_t>(end - p));
    std::copy(stretch.begin(), stretch.end(), out.data() + done);
    to = out.data() + done + stretch.size();
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
  text = std::move(out);
}

void BertNormalizer::rewrite_all(std::string& text) const {
  if (clean_text_)
    rewrite(text, [](char32_t c, std::string_view raw, std::string& out) {
      if (!is_line_or_tab(c) && unicode::is_other(c)) return;
      if (is_line_or_tab(c) || unicode::is_space(c)) {
        out += ' ';
      } else {
        out += raw;
      }
    });
  if (handle_chinese_chars_ && !unicode::is_ascii(text))
    rewrite(text, [](char32_t c, std::string_view raw, std::string& out) {
      if (is_chinese(c)) {
        (out += ' ').append(raw) += ' ';
      } else {
        out += raw;
      }
    });
  if (strip_accents_ && !unicode::is_ascii(text)) {
    text = unicode::normalize(text, unicode::Form::nfd);
    rewrite(text, [](char32_t c, std::string_view raw, std::string& out) {
      if (!unicode::is_nonspacing_mark(c)) out += raw;
    });
  }
  if (lowercase_) text = unicode::lower(text);
}

}  // namespace axl::tokenizer
