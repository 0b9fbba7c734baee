#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data/dataset.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::data {

/// Where the tokens of a text begin and end, in bytes, widened to whole UTF-8 characters: a token
/// that holds half of a character counts for all of it, as in Hugging Face's offsets.
struct TokenOffsets {
  std::vector<std::size_t> begin;
  std::vector<std::size_t> end;
};

/// Byte lengths of a byte-level tokenizer's tokens, looked up once a vocabulary.
class TokenLengths {
 public:
  explicit TokenLengths(const tokenizer::Tokenizer& tokenizer);
  /// Nothing when the tokens do not spell `text` byte by byte (normalised or unknown text).
  std::optional<TokenOffsets> locate(std::string_view text, std::span<const TokenId> ids) const;

 private:
  std::vector<std::uint32_t> lengths_;
};

}  // namespace axl::data
