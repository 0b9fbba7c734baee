#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "axl/kernels/table.hpp"
#include "model/decoder.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::generate {

using tokenizer::TokenId;

/// One sequence of tokens with the keys and values that the model computed for them, so that a new
/// token costs one row instead of the whole sequence.
class Sequence {
 public:
  /// At most `capacity` tokens. Memory for keys and values, and the decoder's rotary tables, grow
  /// with the sequence.
  Sequence(model::Decoder& decoder, const kernels::KernelTable& kernels, kernels::Queue& queue,
           std::int64_t capacity);
  /// Appends `tokens` (at least one) and returns the logits (V) that follow the last of them, valid
  /// until the next call; they may be overwritten. Error{input} when they do not fit or an id is
  /// not in the vocabulary.
  std::span<float> feed(std::span<const TokenId> tokens);
  /// Forgets everything behind the first `length` tokens.
  void truncate(std::int64_t length);
  /// Whether what is cached holds for a sequence of `length` tokens with the same beginning.
  bool can_be_reused(std::int64_t length) const {
    const model::RopeTables& ropes = decoder_.ropes();
    return !ropes.depend_on(length) && !ropes.depend_on(this->length()) &&
           !ropes.change_between(this->length(), length);
  }
  const std::vector<TokenId>& tokens() const { return tokens_; }
  std::int64_t length() const { return static_cast<std::int64_t>(tokens_.size()); }
  std::int64_t capacity() const { return capacity_; }

 private:
  /// Long prompts go through the model in pieces, so that its activations stay small.
  static constexpr std::int64_t kPiece = 512;
  /// Makes room for `length` tokens in all.
  void reserve(std::int64_t length);
  model::Decoder& decoder_;
  const kernels::KernelTable& kernels_;
  kernels::Queue& queue_;
  std::int64_t capacity_, reserved_ = 0;
  device::Buffer memory_;
  std::vector<model::KvCache> caches_;
  device::Arena arena_;
  std::vector<TokenId> tokens_;
  std::vector<std::int32_t> positions_;
  std::vector<float> logits_;
};

}  // namespace axl::generate
