#pragma once
#include <cstddef>
#include <string_view>

namespace axl::data {

inline bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Code points of valid UTF-8.
inline std::size_t character_count(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += !is_continuation(c);
  return n;
}

/// Without white space (ASCII) at the ends asked for.
inline std::string_view trimmed(std::string_view text, bool left, bool right,
                                std::string_view white = " \t\n\r\f\v") {
  if (left) {
    const std::size_t at = text.find_first_not_of(white);
    text = at == std::string_view::npos ? std::string_view() : text.substr(at);
  }
  if (right) {
    const std::size_t at = text.find_last_not_of(white);
    text = at == std::string_view::npos ? std::string_view() : text.substr(0, at + 1);
  }
  return text;
}

}  // namespace axl::data
