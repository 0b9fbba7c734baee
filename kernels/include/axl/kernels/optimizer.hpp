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

/// AdamW whose moments are 8-bit codes, as bitsandbytes computes it on a CPU (Dettmers et al. 2022,
/// arXiv:2110.02861): every block of kOptimizerBlock elements has a scale of its own, and a code is
/// an index into the signed (m) or unsigned (v) dynamic_map(). A step decodes, does what AdamW
/// does, and encodes again (QuantileMap::encode). The last block may be shorter.
struct AdamW8bit {
  float* p;
  std::uint8_t* m;
  std::uint8_t* v;
  float* m_scale;  ///< of each block: its largest magnitude
  float* v_scale;
  const float* g;
  std::int64_t n;
  double lr, beta1, beta2, eps, weight_decay, grad_scale;
  std::int64_t t;
};
inline constexpr std::int64_t kOptimizerBlock = 256;

/// Stochastic gradient descent as torch.optim.SGD orders it (weight decay is part of the gradient):
///   g += weight_decay p;  b = t == 1 ? g : momentum b + (1 - dampening) g
///   p -= lr (nesterov ? g + momentum b : b)
/// `buffer` is null without momentum: p -= lr g then.
struct Sgd {
  float* p;
  float* buffer;
  const float* g;
  std::int64_t n;
  double lr, momentum, dampening, weight_decay, grad_scale;
  bool nesterov;
  std::int64_t t;
};

/// Adafactor: Shazeer & Stern 2018, arXiv:1804.04235, as transformers' Adafactor orders it. With
/// u = g^2 + eps the second moment of a matrix (rows, columns) is known by its means over rows and
/// columns only, that of a vector (rows 1, row and column null) in full:
///   row = b row + (1-b) mean_columns(u);  column = b column + (1-b) mean_rows(u)
///   x = g / sqrt(row / mean(row) column),  or  second = b second + (1-b) u;  x = g / sqrt(second)
///   x *= a / max(1, rms(x) / clip_threshold);  a = lr max(scale_floor, rms(p)), lr without a floor
///   first = beta1 first + (1-beta1) x;  p -= weight_decay a p;  p -= first, or x without `first`
/// Sums are made in an order that does not depend on threads.
struct Adafactor {
  float* p;
  const float* g;
  float* row;     ///< (rows)
  float* column;  ///< (columns)
  float* second;  ///< (columns), of a vector
  float* first;   ///< (rows, columns) or null
  std::int64_t rows, columns;
  double lr, beta1, beta2, eps, clip_threshold, weight_decay, grad_scale;
  double scale_floor;  ///< 0: the rate does not follow the parameter's size
  /// adafactor_partials() doubles.
  double* partial;
};
/// Of one row, in pieces of kAdafactorBlock columns; of all rows.
inline constexpr std::int64_t kAdafactorBlock = 4096;
constexpr std::int64_t adafactor_partials(std::int64_t rows, std::int64_t columns) {
  return rows * ((columns + kAdafactorBlock - 1) / kAdafactorBlock);
}

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
