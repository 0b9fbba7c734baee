#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

// Frozen weights that the file holds in bf16 stay so while f32 is computed: every bf16 is a float
// exactly, so nothing is lost but half of the memory.

namespace axl::kernels {

/// y = x for n elements.
struct Widen {
  const bf16* x;
  float* y;
  std::int64_t n;
};

/// y (columns, rows) = the transpose of x (rows, columns): a weight for the product with its
/// transpose, which the GEMM does faster when the right-hand side is stored the other way round.
struct WidenTransposed {
  const bf16* x;
  float* y;
  std::int64_t rows, columns;
};

/// C (M, N) = A (M, K) B^T [+ C] with B (N, K) contiguous in bf16: for few rows (a token that is
/// generated), where reading B is the whole cost. Row strides in elements; sums in f32, in one
/// order whatever the number of threads.
struct NarrowGemm {
  const float* a;
  const bf16* b;
  float* c;
  std::int64_t M, N, K, lda, ldc;
  bool accumulate;
};
/// Above so many rows widening B first is cheaper.
inline constexpr std::int64_t kNarrowRows = 8;

}  // namespace axl::kernels
