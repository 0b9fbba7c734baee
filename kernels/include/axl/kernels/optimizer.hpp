#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// AdamW: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, as torch.optim.AdamW orders it:
///   p *= 1 - lr*weight_decay;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2
///   p -= lr / (1-b1^t) * m / (sqrt(v / (1-b2^t)) + eps)
/// on a flat shard of n floats; g is multiplied by grad_scale (clipping) first. t counts from 1.
struct AdamW {
  float* p;
  float* m;
  float* v;
  const float* g;
  std::int64_t n;
  double lr, beta1, beta2, eps, weight_decay, grad_scale;
  std::int64_t t;
};

/// sum of squares of n floats in double, in fixed blocks of 4096 summed in order.
/// `partial`: (n + 4095) / 4096 doubles. *result is the sum.
struct SumOfSquares {
  const float* x;
  std::int64_t n;
  double* partial;
  double* result;
};
inline constexpr std::int64_t kSumBlock = 4096;

}  // namespace axl::kernels
