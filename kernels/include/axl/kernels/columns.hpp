#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// y[r,n] = x[r,columns[n]] (gather) or y[r,columns[n]] = x[r,n] (scatter; columns are distinct).
/// Shapes  the narrow side: (R, N); the wide side: (R, V). x null when scattering: zeros.
template <class T_>
struct Columns {
  const T_* x;
  T_* y;
  const std::int32_t* columns;
  std::int64_t R, N, V;
  bool scatter;
};

/// y[r,columns[n]] += x[r,n], summed in the order of n whatever the threads.
/// Shapes  x: (R, N); y: (R, V). Columns may repeat.
template <class T_>
struct ColumnsAdd {
  const T_* x;
  Acc<T_>* y;
  const std::int32_t* columns;
  std::int64_t R, N, V;
};

/// y[t,c] = or += scale[c] * x[t,c].
template <class T_>
struct ScaleColumns {
  const T_* x;
  const Acc<T_>* scale;
  T_* y;
  std::int64_t T, C;
  bool accumulate;
};

/// dscale[c] += weight[c] * sum_t dy[t,c] * x[t,c] (weight may be nullptr: ones), in kScalePartials
/// blocks of rows summed in order; partial: kScalePartials*C.
template <class T_>
struct ScaleColumnsGrad {
  const T_* dy;
  const T_* x;
  const Acc<T_>* weight;
  Acc<T_>* dscale;
  Acc<T_>* partial;
  std::int64_t T, C;
};
inline constexpr std::int64_t kScalePartials = 32;

}  // namespace axl::kernels
