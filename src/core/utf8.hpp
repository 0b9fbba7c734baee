#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace axl {

/// Offset of the first byte that no UTF-8 text has there (overlong forms and surrogates included);
/// npos: all is well.
std::size_t first_not_utf8(std::string_view text);

/// The bytes of one character.
void append_utf8(std::uint32_t code, std::string& out);

/// The text with \xNN in place of control characters (line feeds and tabs stay) and of bytes that
/// are not UTF-8: names in files can hold anything, and a terminal obeys some of it.
std::string printable(std::string_view text);

/// What text that is not UTF-8 looks like: "UTF-16 (little-endian)", "UTF-32 (big-endian)",
/// "Windows-1252", "Latin-1". `at`: first_not_utf8(text).
std::string likely_encoding(std::string_view text, std::size_t at);

/// The byte and what the text looks like: "not UTF-8: byte 0x92 at column 7; it looks like
/// Windows-1252".
std::string why_not_utf8(std::string_view line, std::size_t at, const std::string& encoding);

/// Error{`code`} with file, line and column when `text` is not UTF-8, or has the byte order mark or
/// the zero bytes of another encoding; the hint says how to convert it.
void require_utf8(std::string_view text, const std::string& path, ErrorCode code);

/// The name that a byte order mark at the beginning gives; "" for none, and for that of UTF-8.
std::string marked_encoding(std::string_view head);

/// The same, also told by where the zero bytes of a text without a mark stand.
std::string wide_encoding(std::string_view head);

/// "convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW".
std::string hint_of_encoding(const std::string& encoding);

}  // namespace axl
