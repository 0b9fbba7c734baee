#pragma once
#include <string>
#include <string_view>

namespace axl::tokenizer {

/// The bytes of a base64 text (RFC 4648, padding optional). Error{input} on any other character.
std::string decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

}  // namespace axl::tokenizer
