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

void add_rmsnorm(KernelTable& t);
void add_layernorm(KernelTable& t);
void add_activations(KernelTable& t);
void add_embedding(KernelTable& t);
void add_cross_entropy(KernelTable& t);
void add_elementwise(KernelTable& t);
void add_optimizer(KernelTable& t);
void add_optimizer_8bit(KernelTable& t);
void add_adafactor(KernelTable& t);
void add_attention(KernelTable& t);
void add_gemm(KernelTable& t);
void add_narrow(KernelTable& t);
void add_columns(KernelTable& t);
void add_quantised(KernelTable& t);

}  // namespace axl::kernels::host
