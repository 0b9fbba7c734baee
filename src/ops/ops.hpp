#pragma once
#include <span>

#include "axl/kernels/table.hpp"
#include "device/arena.hpp"
#include "tensor/tensor_view.hpp"

/// Checked calls: shapes and types are validated here and nowhere else, then the kernel of the
/// table runs on the queue. Every forward stands beside its backward. Errors are Error{shape}
/// naming the operation, the tensor, what it is and what was expected.
namespace axl::ops {

using tensor::TensorView;

struct Context {
  const kernels::KernelTable& kernels;
  kernels::Queue& queue;
  device::Arena& arena;  ///< for workspaces, released before the call returns
};

struct MatmulOptions {
  bool trans_a = false, trans_b = false;
  float alpha = 1.0f;
  bool accumulate = false;
  const kernels::PackedMatrix* packed_b = nullptr;
};
/// c (M, N) = alpha op(a) op(b) [+ c]. c may be f32 when a and b are bf16; b may be bf16 when a and
/// c are f32 (a frozen weight as its file has it).
void matmul(Context& ctx, TensorView a, TensorView b, TensorView c, const MatmulOptions& options);

/// y (T, C) = table (V, C)[ids]. ids must be in [0, V): checked by the data pipeline.
void embedding(Context& ctx, const std::int32_t* ids, TensorView table, TensorView y);
/// Adds NEFTune's noise to x (T, C); its derivative is one. A document's noise depends on its
/// length.
void embedding_noise(Context& ctx, std::span<const std::int32_t> cu_seqlens, double alpha,
                     std::uint64_t key, TensorView x);
void embedding_backward(Context& ctx, const std::int32_t* ids, TensorView dy, TensorView dtable);

/// x, y: (T, C); w: (C); rstd: (T) or empty.
void rmsnorm(Context& ctx, TensorView x, TensorView w, TensorView y, TensorView rstd, double eps);
/// dx = or += ; dw is accumulated when not empty.
void rmsnorm_backward(Context& ctx, TensorView x, TensorView w, TensorView rstd, TensorView dy,
                      TensorView dx, TensorView dw, bool accumulate_dx);

/// x: (T, heads * D), in place; cos, sin: (P, D / 2).
void rope(Context& ctx, TensorView x, const std::int32_t* positions, TensorView cos, TensorView sin,
          std::int64_t heads, bool inverse);

/// g, u, y: (T, F).
void swiglu(Context& ctx, TensorView g, TensorView u, TensorView y);
void swiglu_backward(Context& ctx, TensorView g, TensorView u, TensorView dy, TensorView dg,
                     TensorView du);

/// Where documents begin, and the heads. cu_k == cu_q in training.
struct AttentionShape {
  const std::int32_t* cu_q;
  const std::int32_t* cu_k;
  std::int64_t docs, q_heads, kv_heads, head_dim;
  double scale;
};
/// q, o: (Tq, Hq*D); k, v: (Tk, Hkv*D); lse: (Hq, Tq) or empty.
void attention(Context& ctx, const AttentionShape& shape, TensorView q, TensorView k, TensorView v,
               TensorView o, TensorView lse);
void attention_backward(Context& ctx, const AttentionShape& shape, TensorView q, TensorView k,
                        TensorView v, TensorView o, TensorView lse, TensorView d_o, TensorView dq,
                        TensorView dk, TensorView dv);

/// logits: (R, V) accumulator type; loss: R doubles; dlogits: (R, V) compute type or empty.
void cross_entropy(Context& ctx, TensorView logits, const std::int32_t* targets, double* loss,
                   TensorView dlogits, DType compute, double grad_scale);

void copy(Context& ctx, TensorView from, TensorView to);
void gather_rows(Context& ctx, TensorView from, const std::int32_t* rows, TensorView to);
void scatter_rows(Context& ctx, TensorView from, const std::int32_t* rows, TensorView to);
void bias_add(Context& ctx, TensorView x, TensorView bias);
void bias_backward(Context& ctx, TensorView dy, TensorView dbias);
/// y = or += dropout(x); its own derivative.
void dropout(Context& ctx, TensorView x, TensorView y, double p, std::uint64_t key,
             bool accumulate);
/// narrow (R, N) = columns `ids` of wide (R, V); scatter: the other way round, for distinct ids, an
/// empty `narrow` being zeros.
void gather_columns(Context& ctx, TensorView wide, const std::int32_t* ids, TensorView narrow);
void scatter_columns(Context& ctx, TensorView narrow, const std::int32_t* ids, std::int64_t count,
                     TensorView wide);
/// wide (R, V), accumulator type, += narrow (R, N) at columns `ids`, which may repeat.
void add_columns(Context& ctx, TensorView narrow, const std::int32_t* ids, TensorView wide);
/// y (T, C) = or += x with column c times scale[c]; scale: (C), accumulator type.
void scale_columns(Context& ctx, TensorView x, TensorView scale, TensorView y, bool accumulate);
/// dscale[c] += weight[c] * sum_t dy[t,c] x[t,c].
void scale_columns_backward(Context& ctx, TensorView dy, TensorView x, TensorView weight,
                            TensorView dscale);
/// DoRA's norms: kernels::DoraFactor. b: (O, r); aw: (r, O); aa: (r, r); the others: (O).
void dora_factor(Context& ctx, TensorView b, TensorView aw, TensorView aa, TensorView base,
                 TensorView magnitude, TensorView factor, TensorView inverse_norm, double scale);
/// to = from, between a type and its accumulator type (of a master and its compute value, of an
/// activation as it is stored and as it is computed with).
void convert(Context& ctx, TensorView from, TensorView to);

}  // namespace axl::ops
