#include "model/blocks/attention.hpp"

#include <cmath>

namespace axl::model {

using device::ArenaScope;
using tensor::accumulator_of;
using tensor::allocate;

SelfAttention::Saved SelfAttention::allocate_saved(device::Arena& arena, DType compute,
                                                   std::int64_t T) const {
  Saved s;
  s.q = allocate(arena, compute, {T, q_heads * head_dim});
  s.k = allocate(arena, compute, {T, kv_heads * head_dim});
  s.v = allocate(arena, compute, {T, kv_heads * head_dim});
  s.out = allocate(arena, compute, {T, q_heads * head_dim});
  s.lse = allocate(arena, accumulator_of(compute), {q_heads, T});
  s.q_linear = q.allocate_saved(arena, compute, T);
  s.k_linear = k.allocate_saved(arena, compute, T);
  s.v_linear = v.allocate_saved(arena, compute, T);
  s.o_linear = o.allocate_saved(arena, compute, T);
  return s;
}

ops::AttentionShape SelfAttention::shape_of(const Batch& batch) const {
  return {.cu_q = batch.cu_seqlens.data(),
          .cu_k = batch.cu_seqlens.data(),
          .docs = batch.documents(),
          .q_heads = q_heads,
          .kv_heads = kv_heads,
          .head_dim = head_dim,
          .scale = 1.0 / std::sqrt(static_cast<double>(head_dim))};
}

void SelfAttention::forward(Context& ctx, const Batch& batch, const RopeTable& rope, TensorView x,
                            TensorView y, Saved& s, std::uint64_t key, KvCache* cache) const {
  const auto key_of = [key](std::uint64_t part) {
    return key == 0 ? 0 : kernels::hash_counter(key, part) | 1u;
  };
  q.forward(ctx, x, s.q, false, s.q_linear, key_of(1));
  k.forward(ctx, x, s.k, false, s.k_linear, key_of(2));
  v.forward(ctx, x, s.v, false, s.v_linear, key_of(3));
  ops::rope(ctx, s.q, batch.positions.data(), rope.cos(), rope.sin(), q_heads, false);
  ops::rope(ctx, s.k, batch.positions.data(), rope.cos(), rope.sin(), kv_heads, false);
  ops::AttentionShape shape = shape_of(batch);
  TensorView keys = s.k, values = s.v;
  std::int32_t cu_k[2] = {0, 0};
  if (cache != nullptr) {
    const std::int64_t T = x.dim(0);
    ops::copy(ctx, s.k, cache->k.rows(cache->length, T));
    ops::copy(ctx, s.v, cache->v.rows(cache->length, T));
    cache->length += T;
    keys = cache->k.rows(0, cache->length);
    values = cache->v.rows(0, cache->length);
    cu_k[1] = static_cast<std::int32_t>(cache->length);
    shape.cu_k = cu_k;
  }
  ops::attention(ctx, shape, s.q, keys, values, s.out, s.lse);
  o.forward(ctx, s.out, y, true, s.o_linear, key_of(4));
}

void SelfAttention::backward(Context& ctx, const Batch& batch, const RopeTable& rope, TensorView x,
                             const Saved& s, TensorView dy, TensorView dx) const {
  const ArenaScope scope(ctx.arena);
  const std::int64_t T = x.dim(0);
  const DType compute = x.dtype();
  const TensorView d_out = allocate(ctx.arena, compute, {T, q_heads * head_dim});
  const TensorView dq = allocate(ctx.arena, compute, {T, q_heads * head_dim});
  const TensorView dk = allocate(ctx.arena, compute, {T, kv_heads * head_dim});
  const TensorView dv = allocate(ctx.arena, compute, {T, kv_heads * head_dim});
  o.backward(ctx, s.out, s.o_linear, dy, d_out, false);
  ops::attention_backward(ctx, shape_of(batch), s.q, s.k, s.v, s.out, s.lse, d_out, dq, dk, dv);
  ops::rope(ctx, dq, batch.positions.data(), rope.cos(), rope.sin(), q_heads, true);
  ops::rope(ctx, dk, batch.positions.data(), rope.cos(), rope.sin(), kv_heads, true);
  q.backward(ctx, x, s.q_linear, dq, dx, false);
  k.backward(ctx, x, s.k_linear, dk, dx, true);
  v.backward(ctx, x, s.v_linear, dv, dx, true);
}

}  // namespace axl::model
