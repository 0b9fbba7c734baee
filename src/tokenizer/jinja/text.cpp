#include "tokenizer/jinja/text.hpp"

#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

std::size_t last_start(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

template <class Wanted>
std::string_view strip_if(std::string_view text, bool left, bool right, const Wanted& wanted) {
  while (left && !text.empty()) {
    const unicode::Decoded d = unicode::decode(text.data(), text.data() + text.size());
    if (!wanted(d.code)) break;
    text.remove_prefix(d.bytes);
  }
  while (right && !text.empty()) {
    const std::size_t at = last_start(text);
    if (!wanted(unicode::decode(text.data() + at, text.data() + text.size()).code)) break;
    text = text.substr(0, at);
  }
  return text;
}

}  // namespace

bool python_space(char32_t code) {
  return unicode::is_space(code) || (code >= 0x1C && code <= 0x1F);
}

std::size_t leading_spaces(std::string_view text) { return text.size() - strip_left(text).size(); }

std::string_view strip_left(std::string_view text) {
  return strip_if(text, true, false, &python_space);
}
std::string_view strip_right(std::string_view text) {
  return strip_if(text, false, true, &python_space);
}

std::string_view strip_set(std::string_view text, std::string_view chars, bool left, bool right) {
  const std::u32string set = unicode::to_utf32(chars);
  return strip_if(text, left, right,
                  [&](char32_t c) { return set.find(c) != std::u32string::npos; });
}

}  // namespace axl::tokenizer::jinja
