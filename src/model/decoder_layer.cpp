#include "model/decoder.hpp"

namespace axl::model {

using device::ArenaScope;
using tensor::accumulator_of;
using tensor::allocate;

DecoderLayer::Saved DecoderLayer::allocate_saved(device::Arena& arena, DType compute,
                                                 std::int64_t T) const {
  Saved s;
  s.x1 = allocate(arena, compute, {T, attention.q.in});
  s.rstd = allocate(arena, accumulator_of(compute), {T});
  s.rstd1 = allocate(arena, accumulator_of(compute), {T});
  s.attention = attention.allocate_saved(arena, compute, T);
  s.mlp = mlp.allocate_saved(arena, compute, T);
  return s;
}

void DecoderLayer::forward(Context& ctx, const Batch& batch, const RopeTable& rope, TensorView x,
                           TensorView y, Saved& s, std::uint64_t key, KvCache* cache) const {
  const ArenaScope scope(ctx.arena);
  const TensorView normed = allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
  input_norm.forward(ctx, x, normed, s.rstd);
  ops::copy(ctx, x, s.x1);
  attention.forward(ctx, batch, rope, normed, s.x1, s.attention, key, cache);
  post_norm.forward(ctx, s.x1, normed, s.rstd1);
  ops::copy(ctx, s.x1, y);
  mlp.forward(ctx, normed, y, s.mlp, key);
}

void DecoderLayer::backward(Context& ctx, const Batch& batch, const RopeTable& rope, TensorView x,
                            const Saved& s, TensorView dy, bool needs_dx) const {
  const ArenaScope scope(ctx.arena);
  const std::int64_t T = x.dim(0), C = x.dim(1);
  const TensorView normed = allocate(ctx.arena, x.dtype(), {T, C});
  const TensorView d_normed = allocate(ctx.arena, x.dtype(), {T, C});
  post_norm.forward(ctx, s.x1, normed, {});
  mlp.backward(ctx, normed, s.mlp, dy, d_normed);
  post_norm.backward(ctx, s.x1, s.rstd1, d_normed, dy, true);
  input_norm.forward(ctx, x, normed, {});
  const bool through_norm = needs_dx || input_norm.trained != nullptr;
  attention.backward(ctx, batch, rope, normed, s.attention, dy,
                     through_norm ? d_normed : TensorView());
  if (through_norm) input_norm.backward(ctx, x, s.rstd, d_normed, dy, true);
}

}  // namespace axl::model
