#include "model/decoder.hpp"

#include <algorithm>
#include <utility>

namespace axl::model {

using device::ArenaScope;
using tensor::allocate;

namespace {

/// What a layer works with: the stored tensor itself, or room in the compute type.
TensorView working(device::Arena& arena, DType compute, TensorView stored) {
  if (!stored || stored.dtype() == compute) return stored;
  return allocate(arena, compute, {stored.dim(0), stored.dim(1)});
}

DecoderLayer::Saved working(device::Arena& arena, DType compute, DecoderLayer::Saved stored) {
  stored.for_each_activation([&](TensorView& t) { t = working(arena, compute, t); });
  return stored;
}

void convert_unless_same(Context& ctx, TensorView from, TensorView to) {
  if (from && from.data() != to.data()) ops::convert(ctx, from, to);
}

std::vector<TensorView> activations_of(DecoderLayer::Saved saved) {
  std::vector<TensorView> out;
  saved.for_each_activation([&](const TensorView& t) { out.push_back(t); });
  return out;
}

/// The working tensors, and the rest of what a layer saved, into the room of `stored`.
void store(Context& ctx, const DecoderLayer::Saved& work, DecoderLayer::Saved& stored) {
  const std::vector<TensorView> room = activations_of(stored);
  stored = work;
  auto next = room.begin();
  stored.for_each_activation([&](TensorView& t) {
    convert_unless_same(ctx, t, *next);
    t = *next++;
  });
}

DecoderLayer::Saved load(Context& ctx, DType compute, const DecoderLayer::Saved& stored) {
  DecoderLayer::Saved work = working(ctx.arena, compute, stored);
  const std::vector<TensorView> kept = activations_of(stored);
  auto next = kept.begin();
  work.for_each_activation([&](TensorView& t) { convert_unless_same(ctx, *next++, t); });
  return work;
}

}  // namespace

Decoder::Saved Decoder::allocate_saved(device::Arena& arena, std::int64_t T) const {
  Saved s;
  const std::int64_t C = config_.hidden_size;
  for (std::size_t i = 0; i < layers_.size(); ++i) s.x.push_back(allocate(arena, stored(), {T, C}));
  s.x.push_back(allocate(arena, compute(), {T, C}));
  if (!options_.gradient_checkpointing)
    for (const DecoderLayer& layer : layers_)
      s.layers.push_back(layer.allocate_saved(arena, stored(), T));
  return s;
}

TensorView Decoder::forward(Context& ctx, const Batch& batch, Saved& saved) {
  follow_context(batch);
  saved = allocate_saved(ctx.arena, batch.tokens());
  const ArenaScope all(ctx.arena);
  TensorView x = working(ctx.arena, compute(), saved.x[0]);
  TensorView spare = working(ctx.arena, compute(), saved.x[0]);
  embed(ctx, batch, x);
  if (options_.embedding_noise > 0 && batch.dropout_key != 0)
    ops::embedding_noise(ctx, batch.cu_seqlens, options_.embedding_noise,
                         kernels::hash_counter(batch.dropout_key, layers_.size()), x);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const ArenaScope scope(ctx.arena);
    const std::uint64_t key =
        batch.dropout_key == 0 ? 0 : kernels::hash_counter(batch.dropout_key, i) | 1u;
    const bool kept = !options_.gradient_checkpointing;
    DecoderLayer::Saved work =
        kept ? working(ctx.arena, compute(), saved.layers[i])
             : layers_[i].allocate_saved(ctx.arena, compute(), batch.tokens());
    convert_unless_same(ctx, x, saved.x[i]);
    const bool direct = saved.x[i + 1].dtype() == compute();
    const TensorView y = direct ? saved.x[i + 1] : spare;
    layers_[i].forward(ctx, batch, ropes_, x, y, work, key, nullptr);
    if (kept) store(ctx, work, saved.layers[i]);
    spare = std::exchange(x, y);
  }
  return saved.x.back();
}

void Decoder::backward(Context& ctx, const Batch& batch, const Saved& saved, TensorView d_hidden,
                       const std::function<void(std::int64_t)>& layer_done) {
  for (std::size_t n = layers_.size(); n-- > 0;) {
    const ArenaScope scope(ctx.arena);
    const bool needs_dx =
        n > 0 || embedding_.trains_anything() || (positions_ && positions_->trains_anything());
    const TensorView x = working(ctx.arena, compute(), saved.x[n]);
    convert_unless_same(ctx, saved.x[n], x);
    DecoderLayer::Saved work;
    if (options_.gradient_checkpointing) {
      const std::uint64_t key =
          batch.dropout_key == 0 ? 0 : kernels::hash_counter(batch.dropout_key, n) | 1u;
      work = layers_[n].allocate_saved(ctx.arena, compute(), batch.tokens());
      const TensorView y = allocate(ctx.arena, compute(), {batch.tokens(), config_.hidden_size});
      layers_[n].forward(ctx, batch, ropes_, x, y, work, key, nullptr);
    } else {
      work = load(ctx, compute(), saved.layers[n]);
    }
    layers_[n].backward(ctx, batch, ropes_, x, work, d_hidden, needs_dx);
    if (layer_done) layer_done(static_cast<std::int64_t>(n));
  }
  if (shape_.embedding_scale != 1.0 && embedding_.trains_anything())
    ops::scale(ctx, d_hidden, shape_.embedding_scale);
  if (positions_) positions_->backward(ctx, batch.positions, d_hidden);
  embedding_.backward(ctx, batch.ids, d_hidden);
  if (layer_done) layer_done(-1);
}

TensorView Decoder::forward_cached(Context& ctx, const Batch& batch, std::vector<KvCache>& caches) {
  const std::int64_t T = batch.tokens(), C = config_.hidden_size;
  follow_context(batch);
  TensorView x = allocate(ctx.arena, options_.compute, {T, C});
  TensorView y = allocate(ctx.arena, options_.compute, {T, C});
  embed(ctx, batch, x);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const ArenaScope scope(ctx.arena);
    DecoderLayer::Saved saved = layers_[i].allocate_saved(ctx.arena, options_.compute, T);
    layers_[i].forward(ctx, batch, ropes_, x, y, saved, 0, &caches[i]);
    std::swap(x, y);
  }
  return x;
}

std::int64_t Decoder::loss_rows() const {
  const std::int64_t row = config_.vocab_size * size_of(tensor::accumulator_of(options_.compute));
  return std::clamp<std::int64_t>(kLogitBytes / row / 16 * 16, 16, 1024);
}

void Decoder::reserve_positions(std::int64_t positions) {
  if (positions_ && positions > positions_->rows)
    throw Error(ErrorCode::config, std::to_string(positions) + " positions are needed, but " +
                                       config_.origin + " has a table of " +
                                       std::to_string(positions_->rows))
        .hint("lower sequence_len");
  ropes_.reserve(positions);
}

void Decoder::follow_context(const Batch& batch) {
  std::int64_t length = batch.context;
  for (const std::int32_t p : batch.positions) length = std::max<std::int64_t>(length, p + 1);
  ropes_.follow(length);
}

void Decoder::embed(Context& ctx, const Batch& batch, TensorView x) const {
  embedding_.forward(ctx, batch.ids, x);
  if (positions_) {
    const ArenaScope scope(ctx.arena);
    const TensorView at = allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
    positions_->forward(ctx, batch.positions, at);
    ops::add(ctx, at, x);
  }
  if (shape_.embedding_scale != 1.0) ops::scale(ctx, x, shape_.embedding_scale);
}

void Decoder::refresh_values(Context& ctx) {
  if (parameters_.separate_values())
    for (tensor::Parameter& p : parameters_.all()) ops::convert(ctx, p.master, p.value);
  if (!refresh_arena_) return;
  Context own{ctx.kernels, ctx.queue, *refresh_arena_};
  for (const Linear* l : linears()) l->refresh(own);
}

std::vector<std::string> Decoder::linear_names() const {
  std::vector<std::string> out;
  for (const Linear* l : layers_.front().linears())
    out.push_back(l->name.substr(l->name.rfind('.') + 1));
  return out;
}

const adapter::TokenRows* Decoder::head_rows() const {
  return tied_ && embedding_.token_rows ? &*embedding_.token_rows : nullptr;
}

bool Decoder::trains_head() const { return lm_head_.trained_weight != nullptr; }

std::string Decoder::matrix_formats() const {
  std::string out;
  for (const quant::MatrixFormat* format : quant::all_formats()) {
    std::int64_t count = 0;
    for (const DecoderLayer& layer : layers_)
      for (const Linear* l : layer.linears())
        count += l->trained_weight == nullptr && l->weight.format == format ? 1 : 0;
    if (count > 0)
      out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(format->name);
  }
  return out.empty() ? "none" : out;
}

std::vector<Linear*> Decoder::linears() {
  std::vector<Linear*> out;
  for (DecoderLayer& l : layers_)
    for (Linear* p : l.linears()) out.push_back(p);
  return out;
}

}  // namespace axl::model
