#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// Row norms of a weight with a low-rank update, without forming it (DoRA: Liu et al. 2024,
/// arXiv:2402.09353, eq. 5):
///   norm[o]^2 = |W_o|^2 + 2 scale B_o . (A W_o) + scale^2 B_o (A A^T) B_o^T
///   inverse_norm[o] = 1 / norm[o],  factor[o] = magnitude[o] / norm[o]
/// Shapes  b: (O, r); aw = A W^T: (r, O); aa = A A^T: (r, r); the others: (O), base being |W_o|^2.
template <class T_>
struct DoraFactor {
  const T_* b;
  const Acc<T_>* aw;
  const Acc<T_>* aa;
  const Acc<T_>* base;
  const Acc<T_>* magnitude;
  Acc<T_>* factor;
  Acc<T_>* inverse_norm;
  std::int64_t O, r;
  double scale;
};

}  // namespace axl::kernels
