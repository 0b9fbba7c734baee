#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// Softmax cross entropy of a block of rows, with its gradient in the same pass:
///   loss[r] = logsumexp_v(logits[r,v]) - logits[r, target[r]]
///   dlogits[r,v] = grad_scale * (softmax(logits[r])[v] - [v == target[r]])
/// With a softcap the logits are capped already, by SoftCap, and dlogits is the gradient of what
/// they were before: times 1 - (logits[r,v] / softcap)^2. Shapes    logits: (R, V) of Acc<T_>;
/// targets: (R) in [0, V); loss: (R); dlogits: (R, V) or nullptr. Aliasing  dlogits may start where
/// logits starts (rows are written after they were read) when
///           sizeof(T_) == sizeof(Acc<T_>); otherwise they must not overlap.
template <class T_>
struct CrossEntropy {
  const Acc<T_>* logits;
  const std::int32_t* targets;
  double* loss;
  T_* dlogits;
  std::int64_t R, V;
  double grad_scale;
  double softcap = 0.0;  ///< 0: none
};

/// x = cap * tanh(x / cap) for n elements: Gemma 2, arXiv:2408.00118, section 2.
template <class T_>
struct SoftCap {
  Acc<T_>* x;
  std::int64_t n;
  double cap;
};

}  // namespace axl::kernels
