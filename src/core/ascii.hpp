#pragma once
#include <string>

namespace axl {

/// A to Z as a to z; other bytes stay, whatever the locale.
inline std::string ascii_lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace axl
