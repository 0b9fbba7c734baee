#include "kokkos/host.hpp"

namespace axl::kernels::host {
namespace {

template <class T>
void embedding_fwd(const EmbeddingFwd<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::embedding_fwd", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    const T* row = a.table + a.ids[t] * a.C;
    std::copy(row, row + a.C, a.y + t * a.C);
  });
}

template <class T>
void embedding_noise(const EmbeddingNoise<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::embedding_noise", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    const std::int32_t* end =
        std::upper_bound(a.cu_seqlens, a.cu_seqlens + a.documents, static_cast<std::int32_t>(t));
    const double length = *end - *(end - 1);
    const Acc<T> scale =
        static_cast<Acc<T>>(a.alpha / std::sqrt(length * static_cast<double>(a.C)));
    for (std::int64_t i = t * a.C; i < (t + 1) * a.C; ++i)
      a.x[i] = T(up(a.x[i]) + scale * static_cast<Acc<T>>(
                                          symmetric_uniform(a.key, static_cast<std::uint64_t>(i))));
  });
}

/// Parallel over channel blocks, serial over tokens: two tokens may share a row, and the order of
/// the sum must not depend on the threads.
template <class T>
void embedding_bwd(const EmbeddingBwd<T>& a, Queue& q) {
  constexpr std::int64_t kChannels = 64;
  const std::int64_t blocks = (a.C + kChannels - 1) / kChannels;
  Kokkos::parallel_for("axl::embedding_bwd", Range(exec_of(q), 0, blocks), [=](std::int64_t b) {
    const std::int64_t first = b * kChannels, last = std::min(a.C, first + kChannels);
    for (std::int64_t t = 0; t < a.T; ++t) {
      Acc<T>* out = a.dtable + a.ids[t] * a.C;
      const T* dy = a.dy + t * a.C;
#pragma omp simd
      for (std::int64_t c = first; c < last; ++c) out[c] += up(dy[c]);
    }
  });
}

}  // namespace

void add_embedding(KernelTable& t) {
  t.embedding_fwd = {"kokkos", &embedding_fwd<float>, &embedding_fwd<bf16>, &embedding_fwd<double>};
  t.embedding_bwd = {"kokkos", &embedding_bwd<float>, &embedding_bwd<bf16>, &embedding_bwd<double>};
  t.embedding_noise = {"kokkos", &embedding_noise<float>, &embedding_noise<bf16>,
                       &embedding_noise<double>};
}

}  // namespace axl::kernels::host
