#pragma once
#include <cstdint>

namespace axl::tokenizer::unicode {

/// Class bits of the characters that Unicode 15.1 and 16 added: the tokenizers package splits by
/// Unicode 16, Debian's utf8proc knows 15. 0 for every other character.
std::uint8_t classes_since_unicode_15(char32_t code);

}  // namespace axl::tokenizer::unicode
