#include "ops/quantised.hpp"

#include <algorithm>

#include "ops/checks.hpp"

namespace axl::ops {
namespace {

/// Of decoded rows at a time: about what a core's cache holds.
constexpr std::int64_t kTileBytes = 4 << 20;

/// Rows of a tile, a multiple of what the kernels work on together.
std::int64_t tile_rows(const kernels::QuantisedMatrix& w, DType type) {
  const std::int64_t fit = kTileBytes / (w.columns * size_of(type)) / 64 * 64;
  return std::min(w.rows, std::max<std::int64_t>(64, fit));
}

}  // namespace

void decode_rows(Context& ctx, const kernels::QuantisedMatrix& w, std::int64_t first,
                 TensorView y) {
  require("decode_rows", "y", y, {y.dim(0), w.columns});
  AXL_CHECK(first >= 0 && first + y.dim(0) <= w.rows, "ops::decode_rows: rows out of range");
  dispatch("decode_rows", y.dtype(), [&]<class T>(T) {
    ctx.kernels.decode_rows(kernels::DecodeRows<T>{w, nullptr, first, y.dim(0), y.as<T>()},
                            ctx.queue);
  });
}

void decode_rows(Context& ctx, const kernels::QuantisedMatrix& w, std::span<const std::int32_t> ids,
                 TensorView y) {
  require("decode_rows", "y", y, {static_cast<std::int64_t>(ids.size()), w.columns});
  dispatch("decode_rows", y.dtype(), [&]<class T>(T) {
    ctx.kernels.decode_rows(kernels::DecodeRows<T>{w, ids.data(), 0, y.dim(0), y.as<T>()},
                            ctx.queue);
  });
}

void matmul_quantised(Context& ctx, TensorView x, const kernels::QuantisedMatrix& w, TensorView y,
                      bool accumulate) {
  const std::int64_t M = x.dim(0), N = w.rows, K = w.columns;
  require("matmul_quantised", "x", x, {M, K});
  require("matmul_quantised", "y", y, {M, N});
  const bool widened = x.dtype() == DType::bf16 && y.dtype() == DType::f32;
  if (!widened) require_type("matmul_quantised", "y", y, x.dtype());
  if (M <= kernels::kNarrowRows && x.dtype() != DType::f64) {
    ctx.kernels.quantised_gemm({.w = w,
                                .a = x.data(),
                                .c = y.data(),
                                .M = M,
                                .ab = x.dtype(),
                                .c_type = y.dtype(),
                                .accumulate = accumulate},
                               ctx.queue);
    return;
  }
  const ArenaScope scope(ctx.arena);
  const std::int64_t tile = tile_rows(w, x.dtype());
  const TensorView rows = tensor::allocate(ctx.arena, x.dtype(), {tile, K});
  for (std::int64_t first = 0; first < N; first += tile) {
    const std::int64_t n = std::min(tile, N - first);
    decode_rows(ctx, w, first, rows.rows(0, n));
    kernels::Gemm g{.a = x.data(),
                    .b = rows.data(),
                    .c = static_cast<std::byte*>(y.data()) + first * size_of(y.dtype()),
                    .M = M,
                    .N = n,
                    .K = K,
                    .lda = K,
                    .ldb = K,
                    .ldc = N};
    g.trans_b = true;
    g.ab = x.dtype();
    g.c_type = y.dtype();
    g.accumulate = accumulate;
    ctx.kernels.gemm(g, ctx.queue);
  }
}

void matmul_quantised_transposed(Context& ctx, TensorView dy, const kernels::QuantisedMatrix& w,
                                 TensorView dx, bool accumulate) {
  const std::int64_t M = dy.dim(0), N = w.columns, K = w.rows;
  require("matmul_quantised_transposed", "dy", dy, {M, K});
  require("matmul_quantised_transposed", "dx", dx, {M, N});
  require_type("matmul_quantised_transposed", "dx", dx, dy.dtype());
  const DType type = dy.dtype();
  const ArenaScope scope(ctx.arena);
  const std::int64_t tile = tile_rows(w, type);
  const TensorView room = tensor::allocate(ctx.arena, type, {tile, N});
  for (std::int64_t first = 0; first < K; first += tile) {
    const std::int64_t n = std::min(tile, K - first);
    // As (N, n) the product runs faster in f32, as for weights in bf16 (matmul.cpp).
    const bool turned = type == DType::f32;
    if (turned)
      ctx.kernels.decode_transposed({w, first, n, room.as<float>()}, ctx.queue);
    else
      decode_rows(ctx, w, first, room.rows(0, n));
    kernels::Gemm g{.a = static_cast<const std::byte*>(dy.data()) + first * size_of(type),
                    .b = room.data(),
                    .c = dx.data(),
                    .M = M,
                    .N = N,
                    .K = n,
                    .lda = K,
                    .ldb = turned ? n : N,
                    .ldc = N};
    g.trans_b = turned;
    g.ab = type;
    g.c_type = type;
    g.accumulate = accumulate || first > 0;
    ctx.kernels.gemm(g, ctx.queue);
  }
}

}  // namespace axl::ops
