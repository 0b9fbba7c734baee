#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tokenizer/added_tokens.hpp"
#include "tokenizer/decoder.hpp"
#include "tokenizer/models/model.hpp"
#include "tokenizer/normalizer.hpp"
#include "tokenizer/post_processor.hpp"
#include "tokenizer/pre_tokenizer.hpp"
#include "tokenizer/scratch_pool.hpp"
#include "tokenizer/tokenizer.hpp"
#include "tokenizer/tokenizer_parts.hpp"

namespace axl::tokenizer {

struct Tokenizer::Impl {
  explicit Impl(TokenizerParts from);

  void encode(std::string_view text, bool add_special_tokens, std::vector<TokenId>& out) const;
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens) const;
  void add_token(AddedToken token);
  std::int64_t end_id() const;

  TokenizerParts parts;  ///< without the model
  std::unique_ptr<Model> model;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  PostProcessor post_processor;
  Decoder decoder;
  AddedTokens added;
  mutable ScratchPool scratch;

 private:
  void encode_text(std::string_view text, bool at_start, Scratch& s,
                   std::vector<TokenId>& out) const;
  void encode_pieces(std::string_view text, bool at_start, Scratch& s,
                     std::vector<TokenId>& out) const;
};

}  // namespace axl::tokenizer
