#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// LayerNorm over the last axis: Ba et al. 2016, arXiv:1607.06450.
///   mean[t] = mean_c(x[t,c]);   rstd[t] = 1 / sqrt(mean_c((x[t,c] - mean[t])^2) + eps)
///   y[t,c] = (x[t,c] - mean[t]) * rstd[t] * w[c] + b[c]
/// Shapes    x, y, dy, dx: (T, C); w, b, dw, db: (C), b may be nullptr; mean, rstd: (T) or nullptr.
/// Types, aliasing, effects, errors: as RmsNormFwd.
template <class T_>
struct LayerNormFwd {
  const T_* x;
  const T_* w;
  const T_* b;
  T_* y;
  Acc<T_>* mean;
  Acc<T_>* rstd;
  std::int64_t T, C;
  double eps;
};

/// With n = (x - mean) rstd:  dx = [accumulate_dx ? dx : 0] + rstd (w dy - mean_c(w dy) - n
/// mean_c(w dy n));  dw[c] += sum_t dy n;  db[c] += sum_t dy. dw and db may be nullptr; `partial`
/// holds 2 * kLayerNormPartials * C sums when one of them is given.
template <class T_>
struct LayerNormBwd {
  const T_* x;
  const T_* w;
  const Acc<T_>* mean;
  const Acc<T_>* rstd;
  const T_* dy;
  T_* dx;
  Acc<T_>* dw;
  Acc<T_>* db;
  Acc<T_>* partial;
  std::int64_t T, C;
  bool accumulate_dx;
};
inline constexpr std::int64_t kLayerNormPartials = 32;

}  // namespace axl::kernels
