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
  device::Arena& arena;       ///< for workspaces, released before the call returns
  bool adapters_off = false;  ///< the base model alone: adapters are passed by
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

/// x, y: (T, C); w: (C); rstd: (T) or empty. `offset` is added to w.
void rmsnorm(Context& ctx, TensorView x, TensorView w, TensorView y, TensorView rstd, double eps,
             double offset = 0.0);
/// dx = or += ; dw is accumulated when not empty.
void rmsnorm_backward(Context& ctx, TensorView x, TensorView w, TensorView rstd, TensorView dy,
                      TensorView dx, TensorView dw, bool accumulate_dx, double offset = 0.0);

/// x, y: (T, C); w: (C); b: (C) or empty; mean, rstd: (T) or empty.
void layernorm(Context& ctx, TensorView x, TensorView w, TensorView b, TensorView y,
               TensorView mean, TensorView rstd, double eps);
/// dx = or += ; dw and db are accumulated when not empty.
void layernorm_backward(Context& ctx, TensorView x, TensorView w, TensorView mean, TensorView rstd,
                        TensorView dy, TensorView dx, TensorView dw, TensorView db,
                        bool accumulate_dx);

/// (T, heads, head_dim) somewhere in the rows of a (T, columns) tensor: where a projection of
/// queries, keys and values at once lays them side by side, or head by head.
struct Heads {
  TensorView rows;  ///< (T, columns)
  std::int64_t heads = 0, head_dim = 0;
  std::int64_t first_column = 0;  ///< of head 0
  std::int64_t head_stride = 0;   ///< columns from one head to the next
};
/// Heads that fill the rows of `t` (T, heads * head_dim) one after another.
Heads all_heads(TensorView t, std::int64_t heads);

/// Rotates the first 2 * cos.dim(1) elements of every head in place; cos, sin: (P, rotated / 2).
void rope(Context& ctx, const Heads& x, const std::int32_t* positions, TensorView cos,
          TensorView sin, bool inverse);

using kernels::Activation;
/// y (T, F) = act(g) * u, or act(g) where u is empty. g and u: (T, F), or the two halves of a (T,
/// 2F) tensor.
struct GatedInput {
  TensorView g, u;
  std::int64_t columns = 0;  ///< F
};
GatedInput gated(TensorView g, TensorView u);  ///< u may be empty
GatedInput gated_halves(TensorView gu);        ///< g: the first half of every row, u: the second
void activation(Context& ctx, Activation act, const GatedInput& in, TensorView y);
/// dy: (T, F); `d` lies as `in` does, and may be it.
void activation_backward(Context& ctx, Activation act, const GatedInput& in, TensorView dy,
                         const GatedInput& d);

/// Where documents begin, and which keys a query sees. cu_k == cu_q in training.
struct AttentionShape {
  const std::int32_t* cu_q;
  const std::int32_t* cu_k;
  std::int64_t docs;
  double scale;
  std::int64_t window = 0;  ///< last keys that are seen, the query's own among them; 0: all
  double softcap = 0.0;     ///< 0: none
};
/// q: (Tq, Hq, D); k, v: (Tk, Hkv, D); o: (Tq, Hq*D); lse: (Hq, Tq) or empty.
void attention(Context& ctx, const AttentionShape& shape, const Heads& q, const Heads& k,
               const Heads& v, TensorView o, TensorView lse);
void attention_backward(Context& ctx, const AttentionShape& shape, const Heads& q, const Heads& k,
                        const Heads& v, TensorView o, TensorView lse, TensorView d_o,
                        const Heads& dq, const Heads& dk, const Heads& dv);

/// logits: (R, V) accumulator type, capped already where there is a softcap; loss: R doubles;
/// dlogits: (R, V) compute type or empty.
void cross_entropy(Context& ctx, TensorView logits, const std::int32_t* targets, double* loss,
                   TensorView dlogits, DType compute, double grad_scale, double softcap = 0.0);
/// logits (R, V), accumulator type, = cap * tanh(logits / cap).
void softcap(Context& ctx, TensorView logits, DType compute, double cap);

void copy(Context& ctx, TensorView from, TensorView to);
/// The heads of `from` where those of `to` lie.
void copy_heads(Context& ctx, const Heads& from, const Heads& to);
void fill_zero(Context& ctx, TensorView x);
/// Sum of the elements of x (n) of f64, in their order.
double sum(Context& ctx, TensorView x);
/// to += from.
void add(Context& ctx, TensorView from, TensorView to);
void scale(Context& ctx, TensorView x, double factor);
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
/// dscale[c] += weight[c] * sum_t dy[t,c] x[t,c]; an empty weight stands for ones.
void scale_columns_backward(Context& ctx, TensorView dy, TensorView x, TensorView weight,
                            TensorView dscale);
/// DoRA's norms: kernels::DoraFactor. b: (O, r); aw: (r, O); aa: (r, r); the others: (O).
void dora_factor(Context& ctx, TensorView b, TensorView aw, TensorView aa, TensorView base,
                 TensorView magnitude, TensorView factor, TensorView inverse_norm, double scale);
/// to = from, between a type and its accumulator type (of a master and its compute value, of an
/// activation as it is stored and as it is computed with).
void convert(Context& ctx, TensorView from, TensorView to);

}  // namespace axl::ops
