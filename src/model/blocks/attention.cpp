#include "model/blocks/attention.hpp"

namespace axl::model {

using device::ArenaScope;
using family::QkvLayout;
using tensor::accumulator_of;
using tensor::allocate;

namespace {

/// (T, H * D) as (T * H, D): what a norm of every head works on.
TensorView head_rows(TensorView t, std::int64_t head_dim) {
  return {t.data(), t.dtype(), {t.elements() / head_dim, head_dim}};
}

}  // namespace

std::vector<Linear*> SelfAttention::linears() {
  if (fused()) return {&qkv, &o};
  return {&q, &k, &v, &o};
}

SelfAttention::Saved SelfAttention::allocate_saved(device::Arena& arena, DType compute,
                                                   std::int64_t T) const {
  Saved s;
  const std::int64_t width = shape.heads * shape.head_dim;
  if (fused()) {
    s.q = allocate(arena, compute, {T, qkv.out});
  } else {
    s.q = allocate(arena, compute, {T, width});
    s.k = allocate(arena, compute, {T, kv_width()});
    s.v = allocate(arena, compute, {T, kv_width()});
  }
  if (q_norm) {
    s.q_raw = allocate(arena, compute, {T, width});
    s.k_raw = allocate(arena, compute, {T, kv_width()});
    s.q_norm = q_norm->allocate_saved(arena, compute, T * shape.heads);
    s.k_norm = k_norm->allocate_saved(arena, compute, T * shape.kv_heads);
  }
  s.out = allocate(arena, compute, {T, width});
  s.lse = allocate(arena, accumulator_of(compute), {shape.heads, T});
  if (fused()) {
    s.q_linear = qkv.allocate_saved(arena, compute, T);
  } else {
    s.q_linear = q.allocate_saved(arena, compute, T);
    s.k_linear = k.allocate_saved(arena, compute, T);
    s.v_linear = v.allocate_saved(arena, compute, T);
  }
  s.o_linear = o.allocate_saved(arena, compute, T);
  return s;
}

SelfAttention::Projected SelfAttention::heads_of(TensorView q_rows, TensorView k_rows,
                                                 TensorView v_rows) const {
  const std::int64_t H = shape.heads, K = shape.kv_heads, D = shape.head_dim;
  const auto within = [&](std::int64_t heads, std::int64_t first, std::int64_t stride) {
    return ops::Heads{q_rows, heads, D, first, stride};
  };
  switch (shape.layout) {
    case QkvLayout::blocks:
      return {within(H, 0, D), within(K, H * D, D), within(K, (H + K) * D, D)};
    case QkvLayout::per_head:
      return {within(H, 0, 3 * D), within(K, D, 3 * D), within(K, 2 * D, 3 * D)};
    case QkvLayout::apart:
      break;
  }
  return {ops::all_heads(q_rows, H), ops::all_heads(k_rows, K), ops::all_heads(v_rows, K)};
}

ops::AttentionShape SelfAttention::kernel_shape(const Batch& batch) const {
  return {.cu_q = batch.cu_seqlens.data(),
          .cu_k = batch.cu_seqlens.data(),
          .docs = batch.documents(),
          .scale = shape.scale,
          .window = shape.window,
          .softcap = shape.softcap};
}

void SelfAttention::project(Context& ctx, TensorView x, Saved& s, std::uint64_t key) const {
  if (fused()) return qkv.forward(ctx, x, s.q, false, s.q_linear, key);
  q.forward(ctx, x, q_norm ? s.q_raw : s.q, false, s.q_linear, key);
  k.forward(ctx, x, k_norm ? s.k_raw : s.k, false, s.k_linear, key);
  v.forward(ctx, x, s.v, false, s.v_linear, key);
  if (!q_norm) return;
  q_norm->forward(ctx, head_rows(s.q_raw, shape.head_dim), head_rows(s.q, shape.head_dim),
                  s.q_norm);
  k_norm->forward(ctx, head_rows(s.k_raw, shape.head_dim), head_rows(s.k, shape.head_dim),
                  s.k_norm);
}

void SelfAttention::rotate(Context& ctx, const Batch& batch, const RopeTables& ropes,
                           const Projected& p, bool inverse) const {
  if (shape.rope < 0) return;
  const RopeTable& rope = ropes.at(shape.rope);
  ops::rope(ctx, p.q, batch.positions.data(), rope.cos(), rope.sin(), inverse);
  ops::rope(ctx, p.k, batch.positions.data(), rope.cos(), rope.sin(), inverse);
}

void SelfAttention::forward(Context& ctx, const Batch& batch, const RopeTables& ropes, TensorView x,
                            TensorView y, bool accumulate, Saved& s, std::uint64_t key,
                            KvCache* cache) const {
  project(ctx, x, s, key);
  Projected p = heads_of(s.q, s.k, s.v);
  rotate(ctx, batch, ropes, p, false);
  ops::AttentionShape kernel = kernel_shape(batch);
  std::int32_t cu_k[2] = {0, 0};
  if (cache != nullptr) {
    const std::int64_t T = x.dim(0), K = shape.kv_heads;
    ops::copy_heads(ctx, p.k, ops::all_heads(cache->k.rows(cache->length, T), K));
    ops::copy_heads(ctx, p.v, ops::all_heads(cache->v.rows(cache->length, T), K));
    cache->length += T;
    p.k = ops::all_heads(cache->k.rows(0, cache->length), K);
    p.v = ops::all_heads(cache->v.rows(0, cache->length), K);
    cu_k[1] = static_cast<std::int32_t>(cache->length);
    kernel.cu_k = cu_k;
  }
  ops::attention(ctx, kernel, p.q, p.k, p.v, s.out, s.lse);
  o.forward(ctx, s.out, y, accumulate, s.o_linear, key);
}

void SelfAttention::backward(Context& ctx, const Batch& batch, const RopeTables& ropes,
                             TensorView x, const Saved& s, TensorView dy, TensorView dx) const {
  const ArenaScope scope(ctx.arena);
  const std::int64_t T = x.dim(0);
  const DType compute = x.dtype();
  const TensorView d_out = allocate(ctx.arena, compute, {T, o.in});
  const TensorView dq = allocate(ctx.arena, compute, {T, s.q.dim(1)});
  TensorView dk, dv;
  if (!fused()) {
    dk = allocate(ctx.arena, compute, {T, kv_width()});
    dv = allocate(ctx.arena, compute, {T, kv_width()});
  }
  o.backward(ctx, s.out, s.o_linear, dy, d_out, false);
  const Projected p = heads_of(s.q, s.k, s.v), d = heads_of(dq, dk, dv);
  ops::attention_backward(ctx, kernel_shape(batch), p.q, p.k, p.v, s.out, s.lse, d_out, d.q, d.k,
                          d.v);
  rotate(ctx, batch, ropes, d, true);
  if (fused()) return qkv.backward(ctx, x, s.q_linear, dq, dx, false);
  if (q_norm) {
    const std::int64_t D = shape.head_dim;
    q_norm->backward(ctx, head_rows(s.q_raw, D), s.q_norm, head_rows(dq, D), head_rows(dq, D),
                     false);
    k_norm->backward(ctx, head_rows(s.k_raw, D), s.k_norm, head_rows(dk, D), head_rows(dk, D),
                     false);
  }
  q.backward(ctx, x, s.q_linear, dq, dx, false);
  k.backward(ctx, x, s.k_linear, dk, dx, true);
  v.backward(ctx, x, s.v_linear, dv, dx, true);
}

}  // namespace axl::model
