#pragma once
#include <string_view>
#include <vector>

#include "tokenizer/regex.hpp"

namespace axl::tokenizer {

/// SentencePiece's sign for a space, U+2581.
inline constexpr std::string_view kWordMark = "\u2581";

/// Cuts `text` before each word mark that does not follow another one.
inline void cut_at_word_marks(std::string_view text, std::vector<Span>& out) {
  std::size_t begin = 0;
  for (std::size_t at = text.find(kWordMark, 1); at != std::string_view::npos;
       at = text.find(kWordMark, at + kWordMark.size())) {
    if (text.substr(0, at).ends_with(kWordMark)) continue;
    out.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at)});
    begin = at;
  }
  out.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(text.size())});
}

}  // namespace axl::tokenizer
