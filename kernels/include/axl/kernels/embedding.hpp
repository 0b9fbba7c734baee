#pragma once
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

}  // namespace axl::kernels
