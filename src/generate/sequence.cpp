#include "generate/sequence.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "model/losses/causal_lm.hpp"
#include "model/plan_step.hpp"

namespace axl::generate {
namespace {

std::int64_t row_bytes(const model::Decoder& decoder) {
  std::int64_t widest = 0;
  for (const model::DecoderLayer& layer : decoder.layers())
    widest = std::max(widest, layer.attention.kv_width());
  return (widest * size_of(decoder.compute()) + 63) / 64 * 64;
}

std::int64_t arena_bytes(model::Decoder& decoder, std::int64_t tokens) {
  decoder.reserve_positions(tokens);
  return model::plan_generation(decoder, tokens).bytes;
}

}  // namespace

Sequence::Sequence(model::Decoder& decoder, const kernels::KernelTable& kernels,
                   kernels::Queue& queue, std::int64_t capacity)
    : decoder_(decoder),
      kernels_(kernels),
      queue_(queue),
      capacity_(std::max<std::int64_t>(capacity, 1)),
      caches_(static_cast<std::size_t>(decoder.config().num_hidden_layers)),
      arena_(arena_bytes(decoder, std::min(kPiece, capacity_))),
      logits_(static_cast<std::size_t>(decoder.config().vocab_size)) {}

void Sequence::reserve(std::int64_t length) {
  constexpr std::int64_t kFirst = 1024;
  if (length <= reserved_) return;
  const std::int64_t room = std::min(capacity_, std::max({kFirst, 2 * reserved_, length}));
  const std::int64_t block = room * row_bytes(decoder_);
  device::Buffer memory(2 * std::ssize(caches_) * block);
  auto* at = static_cast<std::byte*>(memory.data());
  for (std::size_t i = 0; i < caches_.size(); ++i) {
    model::KvCache& cache = caches_[i];
    const std::int64_t width = decoder_.layers()[i].attention.kv_width();
    for (tensor::TensorView* view : {&cache.k, &cache.v}) {
      const tensor::TensorView grown(at, decoder_.compute(), {room, width});
      if (cache.length > 0)
        std::memcpy(at, view->data(),
                    static_cast<std::size_t>(view->rows(0, cache.length).bytes()));
      *view = grown;
      at += block;
    }
  }
  memory_ = std::move(memory);
  reserved_ = room;
  decoder_.reserve_positions(room);
}

std::span<float> Sequence::feed(std::span<const TokenId> tokens) {
  const std::int64_t V = decoder_.config().vocab_size;
  const auto count = static_cast<std::int64_t>(tokens.size());
  AXL_CHECK(count > 0, "Sequence::feed without a token");
  if (count > capacity_ - length())
    throw Error(ErrorCode::input, std::to_string(length() + count) + " tokens do not fit into " +
                                      std::to_string(capacity_));
  for (const TokenId id : tokens)
    if (id < 0 || id >= V)
      throw Error(ErrorCode::input, "token id " + std::to_string(id) +
                                        " is outside of the model's vocabulary of " +
                                        std::to_string(V))
          .hint("the tokenizer does not belong to this model");
  const std::int64_t fed = length() + count;
  if (length() > 0 && decoder_.ropes().change_between(length(), fed)) {
    // What is cached no longer holds: all of it is computed again, with the new tokens.
    std::vector<TokenId> all = tokens_;
    all.insert(all.end(), tokens.begin(), tokens.end());
    truncate(0);
    return feed(all);
  }
  reserve(fed);
  for (std::int64_t first = 0; first < count; first += kPiece) {
    const std::int64_t n = std::min(kPiece, count - first);
    const auto piece = tokens.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n));
    positions_.clear();
    for (std::int64_t i = 0; i < n; ++i)
      positions_.push_back(static_cast<std::int32_t>(length() + i));
    const std::int32_t cu_seqlens[2] = {0, static_cast<std::int32_t>(n)};
    const model::Batch batch{
        .ids = piece, .positions = positions_, .cu_seqlens = cu_seqlens, .context = fed};
    const device::ArenaScope scope(arena_);
    ops::Context ctx{kernels_, queue_, arena_};
    const tensor::TensorView hidden = decoder_.forward_cached(ctx, batch, caches_);
    tokens_.insert(tokens_.end(), piece.begin(), piece.end());
    if (first + n == count)
      model::CausalLmLoss::logits(ctx, decoder_, hidden.rows(n - 1, 1),
                                  {logits_.data(), DType::f32, {1, V}});
  }
  return logits_;
}

void Sequence::truncate(std::int64_t length) {
  AXL_CHECK(length >= 0 && length <= this->length(), "Sequence::truncate to a longer sequence");
  tokens_.resize(static_cast<std::size_t>(length));
  for (model::KvCache& cache : caches_) cache.length = length;
}

}  // namespace axl::generate
