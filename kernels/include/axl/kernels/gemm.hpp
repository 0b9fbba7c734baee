#pragma once
#include <memory>

#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// A (K, N) right-hand matrix reordered once into the back end's own blocked layout, for one
/// direction of use. Opaque; made by KernelTable::pack. `bytes` lie at `data`, which the caller
/// owns (so that the ranks of a node can share them).
struct PackedMatrix {
  const void* data = nullptr;
  std::int64_t bytes = 0;
  std::int64_t K = 0, N = 0;
  DType type = DType::f32;
};

/// C = alpha * op(A) op(B) + (accumulate ? C : 0), row-major.
/// Shapes    op(A): (M, K), op(B): (K, N), C: (M, N). ld* are row strides in elements of the stored
///           matrices; trans_a: A is stored (K, M); trans_b: B is stored (N, K).
/// Types     a and b have type ab; c has type c: the same, or f32 under bf16 inputs. Sums are f32
///           (double under f64).
/// packed_b  when set replaces b (ldb and trans_b are ignored).
/// Aliasing  C overlaps neither A nor B.
/// Determinism: the same shapes on the same number of threads give the same bits.
struct Gemm {
  const void* a;
  const void* b;
  void* c;
  std::int64_t M, N, K;
  std::int64_t lda, ldb, ldc;
  bool trans_a = false;
  bool trans_b = false;
  DType ab = DType::f32;
  DType c_type = DType::f32;
  float alpha = 1.0f;
  bool accumulate = false;
  const PackedMatrix* packed_b = nullptr;
};

/// Bytes that pack() will write for a (K, N) matrix; 0: this back end does not pack.
struct PackQuery {
  std::int64_t K, N;
  DType type;
};

}  // namespace axl::kernels
