#pragma once
#include "axl/kernels/elementwise.hpp"
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// Row gather:  y[t,c] = table[ids[t],c].
/// Shapes  ids: (T) in [0, V); table: (V, C); y: (T, C). Row-major, contiguous.
template <class T_>
struct EmbeddingFwd {
  const std::int32_t* ids;
  const T_* table;
  T_* y;
  std::int64_t T, C;
};

/// Row scatter-add:  dtable[ids[t],c] += dy[t,c], summed in the order of t whatever the threads.
template <class T_>
struct EmbeddingBwd {
  const std::int32_t* ids;
  const T_* dy;
  Acc<T_>* dtable;
  std::int64_t T, C;
};

/// NEFTune — Jain et al. 2023, arXiv:2310.05914:  x[t,c] += u(t,c) * alpha / sqrt(L * C), with u
/// uniform in [-1, 1), a pure function of (key, t * C + c), and L the tokens of t's document.
/// Shapes  x: (T, C); cu_seqlens: (documents + 1), first 0, last T.
template <class T_>
struct EmbeddingNoise {
  T_* x;
  const std::int32_t* cu_seqlens;
  std::int64_t documents, T, C;
  double alpha;
  std::uint64_t key;
};
/// u of the formula: 53 bits of the hash.
AXL_HD inline double symmetric_uniform(std::uint64_t key, std::uint64_t i) {
  return static_cast<double>(hash_counter(key, i) >> 11) * 0x1p-52 - 1.0;
}

}  // namespace axl::kernels
