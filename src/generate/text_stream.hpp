#pragma once
#include <string>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace axl::generate {

/// Text of a sequence of tokens as it grows: gives out what can no longer change, so that
/// characters whose bytes are spread over several tokens appear whole.
class TextStream {
 public:
  /// `tokenizer` is borrowed. Special tokens are left out of the text.
  explicit TextStream(const tokenizer::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  /// The new text; often "".
  std::string add(tokenizer::TokenId token);
  /// What is left at the end.
  std::string finish();

 private:
  std::string since_given(bool all);
  const tokenizer::Tokenizer& tokenizer_;
  std::vector<tokenizer::TokenId> tokens_;
  // Text is decoded from `context_` on; tokens before `given_` have been given out. Starting a few
  // tokens early keeps decoders that treat the first token in their own way out of the difference.
  std::size_t context_ = 0, given_ = 0;
};

}  // namespace axl::generate
