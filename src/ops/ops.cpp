#include "ops/ops.hpp"

#include <string>

namespace axl::ops {
namespace {

using device::ArenaScope;
using kernels::Acc;

void require(const char* op, const char* name, TensorView t,
             std::initializer_list<std::int64_t> dims) {
  bool equal = t.rank() == static_cast<int>(dims.size());
  int i = 0;
  for (const std::int64_t d : dims) equal = equal && t.dim(i++) == d;
  if (equal) return;
  const TensorView expected(nullptr, t.dtype(), dims);
  throw Error(ErrorCode::shape, std::string("ops::") + op + ": " + name + " is " + t.shape_text() +
                                    ", expected " + expected.shape_text());
}

void require_type(const char* op, const char* name, TensorView t, DType type) {
  if (t.dtype() == type) return;
  const TensorView expected(nullptr, type, {t.dim(0), t.dim(1)});
  throw Error(ErrorCode::shape, std::string("ops::") + op + ": " + name + " is " + t.shape_text() +
                                    ", expected " + expected.shape_text());
}

/// Calls f with a value of the compute type.
template <class F>
void dispatch(const char* op, DType t, F f) {
  switch (t) {
    case DType::f32:
      f(float{});
      return;
    case DType::bf16:
      f(bf16{});
      return;
    case DType::f64:
      f(double{});
      return;
    default:
      throw Error(ErrorCode::shape,
                  std::string("ops::") + op + ": cannot compute in " + std::string(name_of(t)));
  }
}

template <class T>
Acc<T>* acc(TensorView t) {
  return t ? t.as<Acc<T>>() : nullptr;
}

}  // namespace

namespace {

/// matmul() where b is bf16 and the rest f32.
void matmul_narrow(Context& ctx, TensorView a, TensorView b, TensorView c, const MatmulOptions& o) {
  const ArenaScope scope(ctx.arena);
  const std::int64_t K = o.trans_a ? a.dim(0) : a.dim(1);
  if (o.trans_b)
    require("matmul", "b", b, {b.dim(0), K});
  else
    require("matmul", "b", b, {K, b.dim(1)});
  if (o.trans_b && !o.trans_a && o.alpha == 1.0f && a.dim(0) <= kernels::kNarrowRows) {
    require("matmul", "c", c, {a.dim(0), b.dim(0)});
    require_type("matmul", "c", c, a.dtype());
    ctx.kernels.narrow_gemm({.a = a.as<float>(),
                             .b = b.as<bf16>(),
                             .c = c.as<float>(),
                             .M = a.dim(0),
                             .N = b.dim(0),
                             .K = a.dim(1),
                             .lda = a.dim(1),
                             .ldc = c.dim(1),
                             .accumulate = o.accumulate},
                            ctx.queue);
    return;
  }
  MatmulOptions options = o;
  if (o.trans_b) {
    const TensorView wide = tensor::allocate(ctx.arena, DType::f32, {b.dim(0), b.dim(1)});
    ctx.kernels.widen({b.as<bf16>(), wide.as<float>(), b.elements()}, ctx.queue);
    matmul(ctx, a, wide, c, options);
    return;
  }
  // Measured (docs/architecture.md, "Narrow weights"): as (N, K) the product runs faster.
  const TensorView wide = tensor::allocate(ctx.arena, DType::f32, {b.dim(1), b.dim(0)});
  ctx.kernels.widen_transposed({b.as<bf16>(), wide.as<float>(), b.dim(0), b.dim(1)}, ctx.queue);
  options.trans_b = true;
  matmul(ctx, a, wide, c, options);
}

}  // namespace

void matmul(Context& ctx, TensorView a, TensorView b, TensorView c, const MatmulOptions& o) {
  if (o.packed_b == nullptr && b.dtype() == DType::bf16 && a.dtype() == DType::f32) {
    matmul_narrow(ctx, a, b, c, o);
    return;
  }
  const std::int64_t M = o.trans_a ? a.dim(1) : a.dim(0), K = o.trans_a ? a.dim(0) : a.dim(1);
  dispatch("matmul", a.dtype(), [](auto) {});
  // The GEMM takes untyped pointers: nothing behind this call would notice a wrong type.
  if (o.packed_b != nullptr) {
    const kernels::PackedMatrix& p = *o.packed_b;
    const TensorView packed(nullptr, p.type, {p.K, p.N});
    require("matmul", "packed b", packed, {K, c.dim(1)});
    require_type("matmul", "packed b", packed, a.dtype());
  } else {
    const std::int64_t columns = o.trans_b ? b.dim(0) : b.dim(1);
    if (o.trans_b)
      require("matmul", "b", b, {columns, K});
    else
      require("matmul", "b", b, {K, columns});
    require_type("matmul", "b", b, a.dtype());
  }
  const std::int64_t N = o.packed_b != nullptr ? c.dim(1) : (o.trans_b ? b.dim(0) : b.dim(1));
  require("matmul", "c", c, {M, N});
  const bool widened = a.dtype() == DType::bf16 && c.dtype() == DType::f32;
  if (!widened) require_type("matmul", "c", c, a.dtype());
  kernels::Gemm g{.a = a.data(),
                  .b = b.data(),
                  .c = c.data(),
                  .M = M,
                  .N = N,
                  .K = K,
                  .lda = a.dim(1),
                  .ldb = b ? b.dim(1) : 0,
                  .ldc = N};
  g.trans_a = o.trans_a;
  g.trans_b = o.trans_b;
  g.ab = a.dtype();
  g.c_type = c.dtype();
  g.alpha = o.alpha;
  g.accumulate = o.accumulate;
  g.packed_b = o.packed_b;
  ctx.kernels.gemm(g, ctx.queue);
}

void embedding(Context& ctx, const std::int32_t* ids, TensorView table, TensorView y) {
  require("embedding", "y", y, {y.dim(0), table.dim(1)});
  dispatch("embedding", y.dtype(), [&]<class T>(T) {
    ctx.kernels.embedding_fwd(
        kernels::EmbeddingFwd<T>{ids, table.as<T>(), y.as<T>(), y.dim(0), y.dim(1)}, ctx.queue);
  });
}

void embedding_noise(Context& ctx, std::span<const std::int32_t> cu_seqlens, double alpha,
                     std::uint64_t key, TensorView x) {
  AXL_CHECK(!cu_seqlens.empty() && cu_seqlens.back() == x.dim(0),
            "ops::embedding_noise: the documents are not those of x");
  dispatch("embedding_noise", x.dtype(), [&]<class T>(T) {
    ctx.kernels.embedding_noise(
        kernels::EmbeddingNoise<T>{x.as<T>(), cu_seqlens.data(),
                                   static_cast<std::int64_t>(cu_seqlens.size()) - 1, x.dim(0),
                                   x.dim(1), alpha, key},
        ctx.queue);
  });
}

void embedding_backward(Context& ctx, const std::int32_t* ids, TensorView dy, TensorView dtable) {
  require("embedding_backward", "dtable", dtable, {dtable.dim(0), dy.dim(1)});
  dispatch("embedding_backward", dy.dtype(), [&]<class T>(T) {
    ctx.kernels.embedding_bwd(
        kernels::EmbeddingBwd<T>{ids, dy.as<T>(), acc<T>(dtable), dy.dim(0), dy.dim(1)}, ctx.queue);
  });
}

void rmsnorm(Context& ctx, TensorView x, TensorView w, TensorView y, TensorView rstd, double eps) {
  require("rmsnorm", "w", w, {x.dim(1)});
  require("rmsnorm", "y", y, {x.dim(0), x.dim(1)});
  if (rstd) require("rmsnorm", "rstd", rstd, {x.dim(0)});
  dispatch("rmsnorm", x.dtype(), [&]<class T>(T) {
    ctx.kernels.rmsnorm_fwd(kernels::RmsNormFwd<T>{x.as<T>(), w.as<T>(), y.as<T>(), acc<T>(rstd),
                                                   x.dim(0), x.dim(1), eps},
                            ctx.queue);
  });
}

void rmsnorm_backward(Context& ctx, TensorView x, TensorView w, TensorView rstd, TensorView dy,
                      TensorView dx, TensorView dw, bool accumulate_dx) {
  const std::int64_t T_ = x.dim(0), C = x.dim(1);
  require("rmsnorm_backward", "w", w, {C});
  require("rmsnorm_backward", "dy", dy, {T_, C});
  require("rmsnorm_backward", "dx", dx, {T_, C});
  require("rmsnorm_backward", "rstd", rstd, {T_});
  if (dw) require("rmsnorm_backward", "dw", dw, {C});
  const ArenaScope scope(ctx.arena);
  TensorView partial;
  if (dw)
    partial = tensor::allocate(ctx.arena, tensor::accumulator_of(x.dtype()),
                               {kernels::kRmsNormPartials, C});
  dispatch("rmsnorm_backward", x.dtype(), [&]<class T>(T) {
    ctx.kernels.rmsnorm_bwd(
        kernels::RmsNormBwd<T>{x.as<T>(), w.as<T>(), acc<T>(rstd), dy.as<T>(), dx.as<T>(),
                               acc<T>(dw), acc<T>(partial), T_, C, accumulate_dx},
        ctx.queue);
  });
}

void rope(Context& ctx, TensorView x, const std::int32_t* positions, TensorView cos, TensorView sin,
          std::int64_t heads, bool inverse) {
  const std::int64_t D = x.dim(1) / heads;
  require("rope", "x", x, {x.dim(0), heads * D});
  require("rope", "cos", cos, {cos.dim(0), D / 2});
  require("rope", "sin", sin, {cos.dim(0), D / 2});
  dispatch("rope", x.dtype(), [&]<class T>(T) {
    ctx.kernels.rope(kernels::Rope<T>{x.as<T>(), positions, acc<T>(cos), acc<T>(sin), x.dim(0),
                                      heads, D, x.dim(1), inverse},
                     ctx.queue);
  });
}

void swiglu(Context& ctx, TensorView g, TensorView u, TensorView y) {
  require("swiglu", "u", u, {g.dim(0), g.dim(1)});
  require("swiglu", "y", y, {g.dim(0), g.dim(1)});
  dispatch("swiglu", g.dtype(), [&]<class T>(T) {
    ctx.kernels.swiglu_fwd(kernels::SwigluFwd<T>{g.as<T>(), u.as<T>(), y.as<T>(), g.elements()},
                           ctx.queue);
  });
}

void swiglu_backward(Context& ctx, TensorView g, TensorView u, TensorView dy, TensorView dg,
                     TensorView du) {
  for (const TensorView& t : {u, dy, dg, du})
    require("swiglu_backward", "operand", t, {g.dim(0), g.dim(1)});
  dispatch("swiglu_backward", g.dtype(), [&]<class T>(T) {
    ctx.kernels.swiglu_bwd(kernels::SwigluBwd<T>{g.as<T>(), u.as<T>(), dy.as<T>(), dg.as<T>(),
                                                 du.as<T>(), g.elements()},
                           ctx.queue);
  });
}

void attention(Context& ctx, const AttentionShape& s, TensorView q, TensorView k, TensorView v,
               TensorView o, TensorView lse) {
  const std::int64_t Tq = q.dim(0), Tk = k.dim(0), D = s.head_dim;
  require("attention", "q", q, {Tq, s.q_heads * D});
  require("attention", "k", k, {Tk, s.kv_heads * D});
  require("attention", "v", v, {Tk, s.kv_heads * D});
  require("attention", "o", o, {Tq, s.q_heads * D});
  if (lse) require("attention", "lse", lse, {s.q_heads, Tq});
  dispatch("attention", q.dtype(), [&]<class T>(T) {
    ctx.kernels.attention_fwd(
        kernels::AttentionFwd<T>{q.as<T>(), k.as<T>(), v.as<T>(), o.as<T>(), acc<T>(lse), s.cu_q,
                                 s.cu_k, s.docs, s.q_heads, s.kv_heads, D, Tq, q.dim(1), k.dim(1),
                                 v.dim(1), o.dim(1), s.scale},
        ctx.queue);
  });
}

void attention_backward(Context& ctx, const AttentionShape& s, TensorView q, TensorView k,
                        TensorView v, TensorView o, TensorView lse, TensorView d_o, TensorView dq,
                        TensorView dk, TensorView dv) {
  const std::int64_t T_ = q.dim(0), D = s.head_dim;
  for (const TensorView& t : {q, o, d_o, dq})
    require("attention_backward", "query side", t, {T_, s.q_heads * D});
  for (const TensorView& t : {k, v, dk, dv})
    require("attention_backward", "key side", t, {T_, s.kv_heads * D});
  require("attention_backward", "lse", lse, {s.q_heads, T_});
  const ArenaScope scope(ctx.arena);
  const TensorView workspace =
      tensor::allocate(ctx.arena, tensor::accumulator_of(q.dtype()),
                       {kernels::attention_bwd_workspace(T_, s.q_heads, D)});
  dispatch("attention_backward", q.dtype(), [&]<class T>(T) {
    ctx.kernels.attention_bwd(
        kernels::AttentionBwd<T>{q.as<T>(),   k.as<T>(),  v.as<T>(),  o.as<T>(),  d_o.as<T>(),
                                 acc<T>(lse), dq.as<T>(), dk.as<T>(), dv.as<T>(), acc<T>(workspace),
                                 s.cu_q,      s.docs,     s.q_heads,  s.kv_heads, D,
                                 T_,          q.dim(1),   k.dim(1),   v.dim(1),   o.dim(1),
                                 dq.dim(1),   dk.dim(1),  dv.dim(1),  d_o.dim(1), s.scale},
        ctx.queue);
  });
}

void cross_entropy(Context& ctx, TensorView logits, const std::int32_t* targets, double* loss,
                   TensorView dlogits, DType compute, double grad_scale) {
  const std::int64_t R = logits.dim(0), V = logits.dim(1);
  if (dlogits) require("cross_entropy", "dlogits", dlogits, {R, V});
  dispatch("cross_entropy", compute, [&]<class T>(T) {
    ctx.kernels.cross_entropy(
        kernels::CrossEntropy<T>{acc<T>(logits), targets, loss, dlogits ? dlogits.as<T>() : nullptr,
                                 R, V, grad_scale},
        ctx.queue);
  });
}

void copy(Context& ctx, TensorView from, TensorView to) {
  AXL_CHECK(from.elements() == to.elements(), "ops::copy: sizes differ");
  dispatch("copy", from.dtype(), [&]<class T>(T) {
    ctx.kernels.copy(kernels::Copy<T>{from.as<T>(), to.as<T>(), to.elements()}, ctx.queue);
  });
}

void gather_rows(Context& ctx, TensorView from, const std::int32_t* rows, TensorView to) {
  require("gather_rows", "to", to, {to.dim(0), from.dim(1)});
  dispatch("gather_rows", from.dtype(), [&]<class T>(T) {
    ctx.kernels.rows(kernels::Rows<T>{from.as<T>(), to.as<T>(), rows, to.dim(0), to.dim(1), false},
                     ctx.queue);
  });
}

void scatter_rows(Context& ctx, TensorView from, const std::int32_t* rows, TensorView to) {
  require("scatter_rows", "to", to, {to.dim(0), from.dim(1)});
  dispatch("scatter_rows", from.dtype(), [&]<class T>(T) {
    ctx.kernels.rows(
        kernels::Rows<T>{from.as<T>(), to.as<T>(), rows, from.dim(0), from.dim(1), true},
        ctx.queue);
  });
}

void bias_add(Context& ctx, TensorView x, TensorView bias) {
  require("bias_add", "bias", bias, {x.dim(1)});
  dispatch("bias_add", x.dtype(), [&]<class T>(T) {
    ctx.kernels.bias_add(kernels::BiasAdd<T>{x.as<T>(), bias.as<T>(), x.dim(0), x.dim(1)},
                         ctx.queue);
  });
}

void bias_backward(Context& ctx, TensorView dy, TensorView dbias) {
  require("bias_backward", "dbias", dbias, {dy.dim(1)});
  const ArenaScope scope(ctx.arena);
  const TensorView partial = tensor::allocate(ctx.arena, tensor::accumulator_of(dy.dtype()),
                                              {kernels::kBiasPartials, dy.dim(1)});
  dispatch("bias_backward", dy.dtype(), [&]<class T>(T) {
    ctx.kernels.bias_grad(
        kernels::BiasGrad<T>{dy.as<T>(), acc<T>(dbias), acc<T>(partial), dy.dim(0), dy.dim(1)},
        ctx.queue);
  });
}

void dropout(Context& ctx, TensorView x, TensorView y, double p, std::uint64_t key,
             bool accumulate) {
  AXL_CHECK(x.elements() == y.elements(), "ops::dropout: sizes differ");
  dispatch("dropout", x.dtype(), [&]<class T>(T) {
    ctx.kernels.dropout(kernels::Dropout<T>{x.as<T>(), y.as<T>(), x.elements(), p, key, accumulate},
                        ctx.queue);
  });
}

void gather_columns(Context& ctx, TensorView wide, const std::int32_t* ids, TensorView narrow) {
  require("gather_columns", "narrow", narrow, {wide.dim(0), narrow.dim(1)});
  require_type("gather_columns", "narrow", narrow, wide.dtype());
  dispatch("gather_columns", wide.dtype(), [&]<class T>(T) {
    ctx.kernels.columns(kernels::Columns<T>{wide.as<T>(), narrow.as<T>(), ids, wide.dim(0),
                                            narrow.dim(1), wide.dim(1), false},
                        ctx.queue);
  });
}

void scatter_columns(Context& ctx, TensorView narrow, const std::int32_t* ids, std::int64_t count,
                     TensorView wide) {
  if (narrow) {
    require("scatter_columns", "narrow", narrow, {wide.dim(0), count});
    require_type("scatter_columns", "narrow", narrow, wide.dtype());
  }
  dispatch("scatter_columns", wide.dtype(), [&]<class T>(T) {
    ctx.kernels.columns(kernels::Columns<T>{narrow ? narrow.as<T>() : nullptr, wide.as<T>(), ids,
                                            wide.dim(0), count, wide.dim(1), true},
                        ctx.queue);
  });
}

void add_columns(Context& ctx, TensorView narrow, const std::int32_t* ids, TensorView wide) {
  require("add_columns", "narrow", narrow, {wide.dim(0), narrow.dim(1)});
  dispatch("add_columns", narrow.dtype(), [&]<class T>(T) {
    ctx.kernels.columns_add(kernels::ColumnsAdd<T>{narrow.as<T>(), acc<T>(wide), ids, wide.dim(0),
                                                   narrow.dim(1), wide.dim(1)},
                            ctx.queue);
  });
}

void scale_columns(Context& ctx, TensorView x, TensorView scale, TensorView y, bool accumulate) {
  require("scale_columns", "scale", scale, {x.dim(1)});
  require("scale_columns", "y", y, {x.dim(0), x.dim(1)});
  dispatch("scale_columns", x.dtype(), [&]<class T>(T) {
    ctx.kernels.scale_columns(kernels::ScaleColumns<T>{x.as<T>(), acc<T>(scale), y.as<T>(),
                                                       x.dim(0), x.dim(1), accumulate},
                              ctx.queue);
  });
}

void scale_columns_backward(Context& ctx, TensorView dy, TensorView x, TensorView weight,
                            TensorView dscale) {
  require("scale_columns_backward", "x", x, {dy.dim(0), dy.dim(1)});
  require("scale_columns_backward", "weight", weight, {dy.dim(1)});
  require("scale_columns_backward", "dscale", dscale, {dy.dim(1)});
  const ArenaScope scope(ctx.arena);
  const TensorView partial = tensor::allocate(ctx.arena, tensor::accumulator_of(dy.dtype()),
                                              {kernels::kScalePartials, dy.dim(1)});
  dispatch("scale_columns_backward", dy.dtype(), [&]<class T>(T) {
    ctx.kernels.scale_columns_grad(
        kernels::ScaleColumnsGrad<T>{dy.as<T>(), x.as<T>(), acc<T>(weight), acc<T>(dscale),
                                     acc<T>(partial), dy.dim(0), dy.dim(1)},
        ctx.queue);
  });
}

void dora_factor(Context& ctx, TensorView b, TensorView aw, TensorView aa, TensorView base,
                 TensorView magnitude, TensorView factor, TensorView inverse_norm, double scale) {
  const std::int64_t O = b.dim(0), r = b.dim(1);
  require("dora_factor", "aw", aw, {r, O});
  require("dora_factor", "aa", aa, {r, r});
  for (const TensorView& t : {base, magnitude, factor, inverse_norm})
    require("dora_factor", "vector", t, {O});
  dispatch("dora_factor", b.dtype(), [&]<class T>(T) {
    ctx.kernels.dora_factor(
        kernels::DoraFactor<T>{b.as<T>(), acc<T>(aw), acc<T>(aa), acc<T>(base), acc<T>(magnitude),
                               acc<T>(factor), acc<T>(inverse_norm), O, r, scale},
        ctx.queue);
  });
}

void convert(Context& ctx, TensorView from, TensorView to) {
  AXL_CHECK(from.elements() == to.elements(), "ops::convert: sizes differ");
  if (from.dtype() == DType::bf16 && to.dtype() == DType::f32) {
    ctx.kernels.widen({from.as<bf16>(), to.as<float>(), to.elements()}, ctx.queue);
    return;
  }
  dispatch("convert", to.dtype(), [&]<class T>(T) {
    ctx.kernels.from_acc(kernels::FromAcc<T>{acc<T>(from), to.as<T>(), to.elements()}, ctx.queue);
  });
}

}  // namespace axl::ops
