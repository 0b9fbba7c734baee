#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// Rotary position embedding, half-split form (Su et al. 2021, arXiv:2104.09864; GPT-NeoX layout):
///   x'[i] = x[i] cos - x[i+R/2] sin;   x'[i+R/2] = x[i+R/2] cos + x[i] sin,  i < R/2
/// in place on the first R elements of the heads of `x`. `inverse` rotates back: the derivative, as
/// rotations are orthogonal. Shapes  x: (T, H, >= R), `stride` elements from row to row and `head`
/// from head to head; positions: (T); cos, sin: (P, R/2) with positions < P; any attention factor
/// (yarn, longrope) is already inside cos and sin.
template <class T_>
struct Rope {
  T_* x;
  const std::int32_t* positions;
  const Acc<T_>* cos;
  const Acc<T_>* sin;
  std::int64_t T, H, R, stride, head;
  bool inverse;
};

}  // namespace axl::kernels
