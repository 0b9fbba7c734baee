#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// Softmax cross entropy of a block of rows, with its gradient in the same pass:
///   loss[r] = logsumexp_v(logits[r,v]) - logits[r, target[r]]
///   dlogits[r,v] = grad_scale * (softmax(logits[r])[v] - [v == target[r]])
/// Shapes    logits: (R, V) of Acc<T_>; targets: (R) in [0, V); loss: (R); dlogits: (R, V) or
/// nullptr. Aliasing  dlogits may start where logits starts (rows are written after they were read)
/// when
///           sizeof(T_) == sizeof(Acc<T_>); otherwise they must not overlap.
template <class T_>
struct CrossEntropy {
  const Acc<T_>* logits;
  const std::int32_t* targets;
  double* loss;
  T_* dlogits;
  std::int64_t R, V;
  double grad_scale;
};

}  // namespace axl::kernels
