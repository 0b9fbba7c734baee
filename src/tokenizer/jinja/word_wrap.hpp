#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Lines of at most `width` characters, broken where Python's textwrap breaks them.
namespace axl::tokenizer::jinja {

struct WrapStyle {
  std::int64_t width = 79;
  bool break_long_words = true;
  bool break_on_hyphens = true;
};
/// `line` has no line breaks. Error{data} for a width below 1.
std::vector<std::string> word_wrap(std::string_view line, const WrapStyle& style);

}  // namespace axl::tokenizer::jinja
