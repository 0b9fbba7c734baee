#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// y = x for n elements; y may not overlap x.
template <class T_>
struct Copy {
  const T_* x;
  T_* y;
  std::int64_t n;
};

/// y[t,c] = x[t,c] for C columns of rows that lie so many elements apart.
template <class T_>
struct CopyColumns {
  const T_* x;
  T_* y;
  std::int64_t T, C, x_stride, y_stride;
};

/// x = 0 for so many bytes.
struct FillZero {
  void* x;
  std::int64_t bytes;
};

/// result = sum of x, in its order.
struct Sum {
  const double* x;
  std::int64_t n;
  double* result;
};

/// y += x for n elements; y may not overlap x.
template <class T_>
struct Add {
  const T_* x;
  T_* y;
  std::int64_t n;
};

/// x *= factor for n elements.
template <class T_>
struct Scale {
  T_* x;
  std::int64_t n;
  double factor;
};

/// y[r,c] = x[rows[r],c] (gather) or y[rows[r],c] = x[r,c] (scatter); rows are distinct.
template <class T_>
struct Rows {
  const T_* x;
  T_* y;
  const std::int32_t* rows;
  std::int64_t R, C;
  bool scatter;
};

/// x[t,c] += bias[c].
template <class T_>
struct BiasAdd {
  T_* x;
  const T_* bias;
  std::int64_t T, C;
};

/// dbias[c] += sum_t dy[t,c], in kBiasPartials blocks of rows summed in order; partial:
/// kBiasPartials*C.
template <class T_>
struct BiasGrad {
  const T_* dy;
  Acc<T_>* dbias;
  Acc<T_>* partial;
  std::int64_t T, C;
};
inline constexpr std::int64_t kBiasPartials = 32;

/// Inverted dropout: y = keep ? x / (1-p) : 0 (Srivastava et al. 2014). keep(i) is a pure function
/// of (key, i): the same call on dy is its derivative. accumulate: y += instead of y =.
template <class T_>
struct Dropout {
  const T_* x;
  T_* y;
  std::int64_t n;
  double p;
  std::uint64_t key;
  bool accumulate;
};

/// y = T_(x): the compute copies of trained parameters.
template <class T_>
struct FromAcc {
  const Acc<T_>* x;
  T_* y;
  std::int64_t n;
};

/// A well-mixed 64-bit hash of (key, i): SplitMix64's finaliser (Steele et al. 2014) over a Weyl
/// step.
AXL_HD inline std::uint64_t hash_counter(std::uint64_t key, std::uint64_t i) {
  std::uint64_t z = key + (i + 1) * 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}
/// True with probability 1-p.
AXL_HD inline bool dropout_keep(std::uint64_t key, std::uint64_t i, double p) {
  return static_cast<double>(hash_counter(key, i) >> 11) * 0x1p-53 >= p;
}

}  // namespace axl::kernels
