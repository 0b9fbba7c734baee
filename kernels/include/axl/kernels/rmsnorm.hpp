#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// RMSNorm over the last axis: Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4.
///   rstd[t] = 1 / sqrt(mean_c(x[t,c]^2) + eps);   y[t,c] = x[t,c] * rstd[t] * (w[c] + offset)
/// offset is 0, or 1 where a model keeps its weights around zero (Gemma).
/// Shapes    x, y, dy, dx: (T, C); w, dw: (C); rstd: (T). Row-major, contiguous. T = tokens, C =
/// channels. Types     T_ is float, bf16 or double; rstd, dw and every sum are Acc<T_>. eps has no
/// unit, e.g. 1e-6. Aliasing  y may be x, dx may be dy; nothing else may overlap. Effects enqueues
/// on the caller's queue; no allocation, fixed summation order. Errors    none: arguments were
/// checked by axl::ops::rmsnorm.
template <class T_>
struct RmsNormFwd {
  const T_* x;
  const T_* w;
  T_* y;
  Acc<T_>* rstd;
  std::int64_t T, C;
  double eps;
  double offset = 0.0;
};

/// dx[t,c] = [accumulate_dx ? dx : 0] + rmsnorm_dx(...);  dw[c] += sum_t dy[t,c] x[t,c] rstd[t].
/// dw == nullptr: the weight is frozen, its gradient is skipped. `partial` holds
/// kRmsNormPartials * C sums when dw is given.
template <class T_>
struct RmsNormBwd {
  const T_* x;
  const T_* w;
  const Acc<T_>* rstd;
  const T_* dy;
  T_* dx;
  Acc<T_>* dw;
  Acc<T_>* partial;
  std::int64_t T, C;
  bool accumulate_dx;
  double offset = 0.0;
};
inline constexpr std::int64_t kRmsNormPartials = 32;

/// The formula, once, for every back end; w with its offset. m = mean_c(x*w*dy). A may be a vector
/// of lanes.
template <class A>
AXL_HD inline A rmsnorm_dx(A x, A w, A dy, A r, A m) {
  return r * (w * dy - x * r * r * m);
}

}  // namespace axl::kernels
