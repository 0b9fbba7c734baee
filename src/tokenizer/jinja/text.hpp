#pragma once
#include <string>
#include <string_view>

/// Python's view of text: str.isspace() and str.strip().
namespace axl::tokenizer::jinja {

bool python_space(char32_t code);
std::size_t leading_spaces(std::string_view text);  ///< bytes
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);
/// str.strip(chars) and its halves: any of the characters of `chars`.
std::string_view strip_set(std::string_view text, std::string_view chars, bool left, bool right);

}  // namespace axl::tokenizer::jinja
