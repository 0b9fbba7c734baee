#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// Rotary position embedding, half-split form (Su et al. 2021, arXiv:2104.09864; GPT-NeoX layout):
///   x'[i] = x[i] cos - x[i+D/2] sin;   x'[i+D/2] = x[i+D/2] cos + x[i] sin,  i < D/2
/// in place on the heads of `x`. `inverse` rotates back: the derivative, as rotations are
/// orthogonal. Shapes  x: (T, H, D) with row stride `stride` elements; positions: (T); cos, sin:
/// (P, D/2) with positions < P; any attention factor (yarn) is already inside cos and sin.
template <class T_>
struct Rope {
  T_* x;
  const std::int32_t* positions;
  const Acc<T_>* cos;
  const Acc<T_>* sin;
  std::int64_t T, H, D, stride;
  bool inverse;
};

}  // namespace axl::kernels
