#pragma once
#include <cmath>

#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// act(x) = x * share(x).
///   silu       share = 1 / (1 + e^-x)                                (arXiv:1710.05941)
///   gelu       share = (1 + erf(x / sqrt 2)) / 2                     (arXiv:1606.08415)
///   gelu_tanh  share = (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 (ibid., section 2)
///   relu       share = x > 0
enum class Activation : std::uint8_t { silu, gelu, gelu_tanh, relu };

/// y = act(g) * u (Shazeer 2020, arXiv:2002.05202, eq. 6), or y = act(g) where u == nullptr.
/// Shapes  g, u: (T, F) with `stride` elements from row to row; y: (T, F), contiguous. y may be g
/// or
///         u where stride == F.
template <class T_>
struct ActivationFwd {
  const T_* g;
  const T_* u;
  T_* y;
  std::int64_t T, F, stride;
  Activation act;
};

/// dg = dy * u * act'(g);  du = dy * act(g), or dg = dy * act'(g) where u == nullptr.
/// Shapes    dg, du: as g and u, with the same stride; dy: (T, F), contiguous.
/// Aliasing  dg may be g, du may be u.
template <class T_>
struct ActivationBwd {
  const T_* g;
  const T_* u;
  const T_* dy;
  T_* dg;
  T_* du;
  std::int64_t T, F, stride;
  Activation act;
};

/// sqrt(2 / pi), the cubic's factor, 1 / sqrt(2) and 1 / sqrt(2 pi).
inline constexpr double kGeluSlope = 0.7978845608028654, kGeluCubic = 0.044715;
inline constexpr double kGeluRoot = 0.7071067811865476, kGeluDensity = 0.3989422804014327;

/// silu'(g) with sigma = share(g). A may be a vector of lanes.
template <class A>
AXL_HD inline A silu_prime(A g, A sigma) {
  return sigma + g * (sigma - sigma * sigma);
}

}  // namespace axl::kernels
