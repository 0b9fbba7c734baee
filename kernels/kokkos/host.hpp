#pragma once
#include <Kokkos_Core.hpp>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "axl/kernels/table.hpp"

namespace axl::kernels::host {

using Exec = Kokkos::DefaultHostExecutionSpace;
using Range = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;
using DynamicRange =
    Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>, Kokkos::Schedule<Kokkos::Dynamic>>;

inline const Exec& exec_of(const Queue& q) { return *static_cast<const Exec*>(q.native()); }

/// Splits n elements into blocks large enough that a block outweighs its scheduling.
inline constexpr std::int64_t kBlock = 8192;
template <class F>
void for_blocks(const char* label, Queue& q, std::int64_t n, F f) {
  const std::int64_t blocks = (n + kBlock - 1) / kBlock;
  Kokkos::parallel_for(label, Range(exec_of(q), 0, blocks),
                       [=](std::int64_t b) { f(b * kBlock, std::min(n, (b + 1) * kBlock)); });
}

template <class T>
inline Acc<T> up(T x) {
  return static_cast<Acc<T>>(x);
}

/// e^x to about 2 ulp in a branch-free form that compilers vectorise (polynomial of Cephes' expf,
/// Moshier 1992); NaN stays NaN, the argument is clamped to the normal range of float.
inline float exp_of(float x) {
  x = std::min(std::max(x, -87.3f), 88.0f);
  const float shifted =
      x * 1.44269504f + 12582912.0f;  // rounds to nearest in the low mantissa bits
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float y = p * r * r + r + 1.0f;
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(shifted) << 23;
  return y * std::bit_cast<float>(exponent + 0x3F800000u);
}
inline double exp_of(double x) { return std::exp(x); }

void add_rmsnorm(KernelTable& t);
void add_activations(KernelTable& t);
void add_embedding(KernelTable& t);
void add_cross_entropy(KernelTable& t);
void add_elementwise(KernelTable& t);
void add_optimizer(KernelTable& t);
void add_attention(KernelTable& t);
void add_gemm(KernelTable& t);

}  // namespace axl::kernels::host
