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
  embedding_.forward(ctx, batch.ids, x);
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
    layers_[i].forward(ctx, batch, rope_, x, y, work, key, nullptr);
    if (kept) store(ctx, work, saved.layers[i]);
    spare = std::exchange(x, y);
  }
  return saved.x.back();
}

void Decoder::backward(Context& ctx, const Batch& batch, const Saved& saved, TensorView d_hidden,
                       const std::function<void(std::int64_t)>& layer_done) {
  for (std::size_t n = layers_.size(); n-- > 0;) {
    const ArenaScope scope(ctx.arena);
    const bool needs_dx = n > 0 || embedding_.trains_anything();
    const TensorView x = working(ctx.arena, compute(), saved.x[n]);
    convert_unless_same(ctx, saved.x[n], x);
    DecoderLayer::Saved work;
    if (options_.gradient_checkpointing) {
      const std::uint64_t key =
          batch.dropout_key == 0 ? 0 : kernels::hash_counter(batch.dropout_key, n) | 1u;
      work = layers_[n].allocate_saved(ctx.arena, compute(), batch.tokens());
      const TensorView y = allocate(ctx.arena, compute(), {batch.tokens(), config_.hidden_size});
      layers_[n].forward(ctx, batch, rope_, x, y, work, key, nullptr);
    } else {
      work = load(ctx, compute(), saved.layers[n]);
    }
    layers_[n].backward(ctx, batch, rope_, x, work, d_hidden, needs_dx);
    if (layer_done) layer_done(static_cast<std::int64_t>(n));
  }
  embedding_.backward(ctx, batch.ids, d_hidden);
  if (layer_done) layer_done(-1);
}

TensorView Decoder::forward_cached(Context& ctx, const Batch& batch, std::vector<KvCache>& caches) {
  const std::int64_t T = batch.tokens(), C = config_.hidden_size;
  follow_context(batch);
  TensorView x = allocate(ctx.arena, options_.compute, {T, C});
  TensorView y = allocate(ctx.arena, options_.compute, {T, C});
  embedding_.forward(ctx, batch.ids, x);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const ArenaScope scope(ctx.arena);
    DecoderLayer::Saved saved = layers_[i].allocate_saved(ctx.arena, options_.compute, T);
    layers_[i].forward(ctx, batch, rope_, x, y, saved, 0, &caches[i]);
    std::swap(x, y);
  }
  return x;
}

std::int64_t Decoder::loss_rows() const {
  const std::int64_t row = config_.vocab_size * size_of(tensor::accumulator_of(options_.compute));
  return std::clamp<std::int64_t>(kLogitBytes / row / 16 * 16, 16, 1024);
}

std::int64_t Decoder::plan_bytes(std::int64_t T, std::int64_t labels, bool backward) const {
  device::Arena plan = device::Arena::planning();
  const DType compute = options_.compute, acc = tensor::accumulator_of(compute);
  const std::int64_t C = config_.hidden_size, F = config_.intermediate_size, V = config_.vocab_size;
  const std::int64_t QD = config_.num_attention_heads * config_.head_dim;
  const std::int64_t KD = config_.num_key_value_heads * config_.head_dim;
  allocate_saved(plan, T);
  std::int64_t layer_forward = 0;
  const bool apart = options_.gradient_checkpointing || stored() != compute;
  {
    const ArenaScope scope(plan);
    if (apart) layers_[0].allocate_saved(plan, compute, T);
    if (stored() != compute) allocate(plan, compute, {T, 2 * C});
    allocate(plan, compute, {T, C});
    allocate(plan, compute, {T, F});
    // A Linear with dropout copies its input; the widest one is that of down_proj.
    allocate(plan, compute, {T, std::max(F, QD)});
    layer_forward = plan.mark();
  }
  {  // loss: CausalLmLoss
    const ArenaScope scope(plan);
    const std::int64_t R = std::min(loss_rows(), std::max<std::int64_t>(labels, 1));
    allocate(plan, compute, {T, C});
    allocate(plan, compute, {labels, C});
    allocate(plan, compute, {labels, C});
    allocate(plan, compute, {labels, C});
    allocate(plan, acc, {labels});
    allocate(plan, acc, {R, V});
    if (backward && compute != acc) allocate(plan, compute, {R, V});  // else in place of the logits
    allocate(plan, acc, {kernels::kRmsNormPartials, C});
    allocate(plan, DType::f64, {labels});
    lm_head_.allocate_saved(plan, compute, R);
    // The head's adapter: its dropped input and dh. Token rows: their logits.
    if (lm_head_.lora) allocate(plan, compute, {R, C + lm_head_.lora->a->shape[0]});
    if (const adapter::TokenRows* rows = head_rows())
      allocate(plan, acc, {R, static_cast<std::int64_t>(rows->ids().size())});
  }
  if (backward) {
    const ArenaScope scope(plan);
    allocate(plan, compute, {T, C});  // d_hidden
    if (apart) {                      // a layer works beside what is stored
      layers_[0].allocate_saved(plan, compute, T);
      allocate(plan, compute, {T, 2 * C});
    }
    allocate(plan, compute, {T, 2 * C});
    const std::int64_t mark = plan.mark();
    std::int64_t rank = 0, dora = 0;
    for (const DecoderLayer& layer : layers_)
      for (const Linear* l : layer.linears()) {
        if (!l->lora) continue;
        rank = std::max(rank, l->lora->a->shape[0]);
        if (l->lora->dora) dora = std::max(dora, l->out);
      }
    // Linear::backward: dh, and with DoRA dz and the partial sums of its gradient.
    const std::int64_t adapter_columns = rank + dora;
    if (dora > 0) allocate(plan, acc, {kernels::kScalePartials, dora});
    if (embedding_.lora || embedding_.token_rows)
      allocate(plan, compute, {T, C + (embedding_.lora ? embedding_.lora->a->shape[0] : 0)});
    allocate(plan, compute, {T, 2 * F + adapter_columns + std::max(F, QD)});  // mlp
    plan.release(mark);
    allocate(plan, compute, {T, 2 * QD + 2 * KD + adapter_columns + std::max(C, QD)});  // attention
    allocate(plan, acc,
             {kernels::attention_bwd_workspace(T, config_.num_attention_heads, config_.head_dim)});
    allocate(plan, acc, {kernels::kBiasPartials, std::max(F, QD)});
  }
  // matmul() widens one narrow weight at a time.
  std::int64_t widened = 0;
  for (const DecoderLayer& layer : layers_)
    for (const Linear* l : layer.linears())
      if (l->weight && l->weight.dtype() != compute)
        widened = std::max(widened, l->weight.elements() * size_of(compute));
  // Room for the 64-byte alignment of the pieces that were summed above.
  return std::max(plan.peak(), layer_forward) + widened + 65536;
}

void Decoder::reserve_positions(std::int64_t positions) {
  // Under dynamic scaling longer tables are made when a batch needs them.
  if (config_.rope.type == "dynamic")
    positions = std::min(positions, config_.max_position_embeddings);
  if (positions > rope_.positions())
    rope_ = RopeTable(config_, positions, tensor::accumulator_of(options_.compute));
}

bool Decoder::positions_depend_on(std::int64_t length) const {
  return config_.rope.type == "dynamic" && length > config_.max_position_embeddings;
}

void Decoder::follow_context(const Batch& batch) {
  if (config_.rope.type != "dynamic") return;
  std::int64_t length = batch.context;
  for (const std::int32_t p : batch.positions) length = std::max<std::int64_t>(length, p + 1);
  length = std::max(length, config_.max_position_embeddings);
  if (length != rope_.positions())
    rope_ = RopeTable(config_, length, tensor::accumulator_of(options_.compute));
}

void Decoder::refresh_values(Context& ctx) {
  if (parameters_.separate_values())
    for (tensor::Parameter& p : parameters_.all()) ops::convert(ctx, p.master, p.value);
  if (!refresh_arena_) return;
  Context own{ctx.kernels, ctx.queue, *refresh_arena_};
  for (const Linear* l : linears()) l->refresh(own);
}

const adapter::TokenRows* Decoder::head_rows() const {
  return tied_ && embedding_.token_rows ? &*embedding_.token_rows : nullptr;
}

bool Decoder::trains_head() const { return lm_head_.trained_weight != nullptr; }

std::vector<Linear*> Decoder::linears() {
  std::vector<Linear*> out;
  for (DecoderLayer& l : layers_)
    for (Linear* p : l.linears()) out.push_back(p);
  return out;
}

}  // namespace axl::model
