#include "ops/checks.hpp"

namespace axl::ops {

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

}  // namespace axl::ops
