#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// SwiGLU (Shazeer 2020, arXiv:2002.05202, eq. 6):  y = silu(g) * u,  silu(g) = g / (1 + e^-g).
/// Shapes  g, u, y: n elements, contiguous. y may be g or u.
template <class T_>
struct SwigluFwd {
  const T_* g;
  const T_* u;
  T_* y;
  std::int64_t n;
};

/// dg = dy * u * silu'(g);  du = dy * silu(g).
/// Aliasing  dg may be g, du may be u.
template <class T_>
struct SwigluBwd {
  const T_* g;
  const T_* u;
  const T_* dy;
  T_* dg;
  T_* du;
  std::int64_t n;
};

/// sigma = 1 / (1 + e^-g);  silu'(g) = sigma * (1 + g * (1 - sigma)). A may be a vector of lanes.
template <class A>
AXL_HD inline A silu_prime(A g, A sigma) {
  return sigma + g * (sigma - sigma * sigma);
}

}  // namespace axl::kernels
