#pragma once
#include "kokkos/simd.hpp"

namespace axl::kernels::host {

/// The left operand of a tile product as it is stored: element (m, k) at p[m * row + k * column].
template <class A>
struct Left {
  const A* p;
  std::int64_t row, column;
};

/// With AVX-512, the columns [0, n) of what TileGemm<float, accumulate>::run() computes, to the
/// bit; gives n, a multiple of 16. Zero on a processor without it.
std::int64_t wide_tile_gemm(bool accumulate, std::int64_t M, std::int64_t N, std::int64_t K,
                            Left<float> a, const float* b, std::int64_t ldb, float* c,
                            std::int64_t ldc);

/// C (M, N) = or += A (M, K) B (K, N) for tiles that lie in cache, row-major with row strides in
/// elements. Register tiles of 6 rows by 2 vectors keep both FMA pipes of an AVX2 core busy; every
/// element of C is summed over k in order, so the result does not depend on the tiling.
template <class A, bool kAccumulate>
struct TileGemm {
  template <int R, int V, class Part>
  static void block(std::int64_t K, Left<A> a, const A* b, std::int64_t ldb, A* c, std::int64_t ldc,
                    Part part) {
    Vec<A> acc[R][V];
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v)
        acc[r][v] = kAccumulate ? load(c + r * ldc + v * kLanes<A>, part) : Vec<A>{};
    for (std::int64_t k = 0; k < K; ++k) {
      Vec<A> bv[V];
      for (int v = 0; v < V; ++v) bv[v] = load(b + k * ldb + v * kLanes<A>, part);
      for (int r = 0; r < R; ++r) {
        const A s = a.p[r * a.row + k * a.column];
        for (int v = 0; v < V; ++v) acc[r][v] += s * bv[v];
      }
    }
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) store(c + r * ldc + v * kLanes<A>, acc[r][v], part);
  }

  template <int R>
  static void rows(std::int64_t N, std::int64_t K, Left<A> a, const A* b, std::int64_t ldb, A* c,
                   std::int64_t ldc) {
    constexpr std::int64_t L = kLanes<A>;
    std::int64_t n = 0;
    for (; n + 2 * L <= N; n += 2 * L) block<R, 2>(K, a, b + n, ldb, c + n, ldc, All{});
    for (; n + L <= N; n += L) block<R, 1>(K, a, b + n, ldb, c + n, ldc, All{});
    if (n < N) block<R, 1>(K, a, b + n, ldb, c + n, ldc, First{N - n});
  }

  static void run(std::int64_t M, std::int64_t N, std::int64_t K, Left<A> a, const A* b,
                  std::int64_t ldb, A* c, std::int64_t ldc) {
    if constexpr (std::is_same_v<A, float>) {
      const std::int64_t done = wide_tile_gemm(kAccumulate, M, N, K, a, b, ldb, c, ldc);
      if (done == N) return;
      b += done;
      c += done;
      N -= done;
    }
    std::int64_t m = 0;
    const auto advance = [&](std::int64_t by) {
      m += by;
      a.p += by * a.row;
      c += by * ldc;
    };
    for (; m + 6 <= M; advance(6)) rows<6>(N, K, a, b, ldb, c, ldc);
    for (; m + 4 <= M; advance(4)) rows<4>(N, K, a, b, ldb, c, ldc);
    for (; m < M; advance(1)) rows<1>(N, K, a, b, ldb, c, ldc);
  }
};

}  // namespace axl::kernels::host
