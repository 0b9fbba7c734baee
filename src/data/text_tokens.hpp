#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "data/dataset.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::data {

/// How a piece of text becomes tokens; what Axolotl's instruction types do to both halves of a row.
struct PieceOptions {
  std::int64_t max_length = 0;  ///< tokens, special ones included
  bool add_eos = false;         ///< unless it ends so already or is max_length long
  bool strip_bos = false;
  int eos_count = 1;  ///< metharme closes with three
};

/// Appends the tokens of `text`, the tokenizer's own special tokens included; nothing for "".
/// Returns how many were cut off for max_length.
std::int64_t append_piece(const tokenizer::Tokenizer& tokenizer, std::string_view text,
                          const PieceOptions& options, std::vector<TokenId>& out);

/// Appends prompt (masked unless `train_on_prompt`) and response (trained, closed by EOS).
void append_prompt_and_response(const tokenizer::Tokenizer& tokenizer, std::string_view prompt,
                                std::string_view response, bool train_on_prompt,
                                std::int64_t sequence_len, int eos_count, Sample& out);

}  // namespace axl::data
