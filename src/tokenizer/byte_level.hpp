#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

/// GPT-2's reversible map of bytes to printable characters: printable Latin-1 bytes stand for
/// themselves, the other 68 for U+0100...U+0143 in order.
namespace axl::tokenizer::byte_level {

const std::array<char32_t, 256>& byte_to_char();
int char_to_byte(char32_t code);  ///< -1 when the character stands for no byte

std::string encode(std::string_view bytes);
/// Appends the bytes that `token` stands for; a token with any other character is appended as it
/// is.
void decode_token(std::string_view token, std::string& out);

}  // namespace axl::tokenizer::byte_level
