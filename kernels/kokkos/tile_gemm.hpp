#pragma once
#include <cstdint>

namespace axl::kernels::host {

/// C (M, N) += A (M, K) B (K, N) for tiles that lie in cache, row-major with row strides in
/// elements. Register tiles of 6 rows by 2 vectors keep both FMA pipes of an AVX2 core busy; every
/// element of C is summed over k in order, so the result does not depend on the tiling.
template <class A>
struct TileGemm {
  static constexpr int kLanes = 32 / static_cast<int>(sizeof(A));
  typedef A Vec __attribute__((vector_size(32), aligned(sizeof(A)), may_alias));

  static Vec load(const A* p) { return *reinterpret_cast<const Vec*>(p); }
  static void store(A* p, Vec v) { *reinterpret_cast<Vec*>(p) = v; }

  template <int R, int V>
  static void block(std::int64_t K, const A* a, std::int64_t lda, const A* b, std::int64_t ldb,
                    A* c, std::int64_t ldc) {
    Vec acc[R][V];
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) acc[r][v] = load(c + r * ldc + v * kLanes);
    for (std::int64_t k = 0; k < K; ++k) {
      Vec bv[V];
      for (int v = 0; v < V; ++v) bv[v] = load(b + k * ldb + v * kLanes);
      for (int r = 0; r < R; ++r) {
        const A s = a[r * lda + k];
        for (int v = 0; v < V; ++v) acc[r][v] += s * bv[v];
      }
    }
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) store(c + r * ldc + v * kLanes, acc[r][v]);
  }

  template <int R>
  static void rows(std::int64_t N, std::int64_t K, const A* a, std::int64_t lda, const A* b,
                   std::int64_t ldb, A* c, std::int64_t ldc) {
    std::int64_t n = 0;
    for (; n + 2 * kLanes <= N; n += 2 * kLanes) block<R, 2>(K, a, lda, b + n, ldb, c + n, ldc);
    for (; n + kLanes <= N; n += kLanes) block<R, 1>(K, a, lda, b + n, ldb, c + n, ldc);
    for (; n < N; ++n)
      for (int r = 0; r < R; ++r) {
        A sum = c[r * ldc + n];
        for (std::int64_t k = 0; k < K; ++k) sum += a[r * lda + k] * b[k * ldb + n];
        c[r * ldc + n] = sum;
      }
  }

  static void run(std::int64_t M, std::int64_t N, std::int64_t K, const A* a, std::int64_t lda,
                  const A* b, std::int64_t ldb, A* c, std::int64_t ldc) {
    std::int64_t m = 0;
    for (; m + 6 <= M; m += 6) rows<6>(N, K, a + m * lda, lda, b, ldb, c + m * ldc, ldc);
    for (; m + 2 <= M; m += 2) rows<2>(N, K, a + m * lda, lda, b, ldb, c + m * ldc, ldc);
    for (; m < M; ++m) rows<1>(N, K, a + m * lda, lda, b, ldb, c + m * ldc, ldc);
  }
};

}  // namespace axl::kernels::host
