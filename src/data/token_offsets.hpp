#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
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

/// What a tokenizer's tokens stand for, looked up once a vocabulary.
class TokenTexts {
 public:
  explicit TokenTexts(const tokenizer::Tokenizer& tokenizer);
  /// The tokens one after another: the text after the tokenizer's normalisation.
  std::string spell(std::span<const TokenId> ids) const;
  /// Nothing when the tokens do not spell `text` byte by byte, as after normalisation.
  std::optional<TokenOffsets> locate(std::string_view text, std::span<const TokenId> ids) const;

 private:
  std::vector<std::string> texts_;
};

}  // namespace axl::data
