#include "kokkos/tile_gemm.hpp"

namespace axl::kernels::host {

#if defined(__x86_64__)
namespace {

// Functions with a target of their own rather than a file with its own flags: the linker may take
// any copy of an inline function, and one with AVX-512 in it would end up where there is none.
#define AXL_AVX512 __attribute__((target("avx512f,fma")))
#define AXL_AVX512_INLINE AXL_AVX512 __attribute__((always_inline)) inline

typedef float Wide __attribute__((vector_size(64)));
constexpr std::int64_t kWideLanes = 16;

/// As TileGemm::block(), each product rounded once with its sum.
template <int R, int V, bool kAccumulate>
AXL_AVX512_INLINE void wide_block(std::int64_t K, Left<float> a, const float* b, std::int64_t ldb,
                                  float* c, std::int64_t ldc) {
  Wide acc[R][V];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) {
      acc[r][v] = Wide{};
      if (kAccumulate) __builtin_memcpy(&acc[r][v], c + r * ldc + v * kWideLanes, sizeof(Wide));
    }
  for (std::int64_t k = 0; k < K; ++k) {
    Wide bv[V];
    for (int v = 0; v < V; ++v)
      __builtin_memcpy(&bv[v], b + k * ldb + v * kWideLanes, sizeof(Wide));
    for (int r = 0; r < R; ++r) {
      const float s = a.p[r * a.row + k * a.column];
      for (int v = 0; v < V; ++v) acc[r][v] += s * bv[v];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v)
      __builtin_memcpy(c + r * ldc + v * kWideLanes, &acc[r][v], sizeof(Wide));
}

template <int R, bool kAccumulate>
AXL_AVX512_INLINE void wide_rows(std::int64_t N, std::int64_t K, Left<float> a, const float* b,
                                 std::int64_t ldb, float* c, std::int64_t ldc) {
  std::int64_t n = 0;
  for (; n + 2 * kWideLanes <= N; n += 2 * kWideLanes)
    wide_block<R, 2, kAccumulate>(K, a, b + n, ldb, c + n, ldc);
  if (n < N) wide_block<R, 1, kAccumulate>(K, a, b + n, ldb, c + n, ldc);
}

/// Register tiles of 8 rows by 2 vectors; N is a multiple of the lanes.
template <bool kAccumulate>
AXL_AVX512 void wide_run(std::int64_t M, std::int64_t N, std::int64_t K, Left<float> a,
                         const float* b, std::int64_t ldb, float* c, std::int64_t ldc) {
  std::int64_t m = 0;
  for (; m + 8 <= M; m += 8)
    wide_rows<8, kAccumulate>(N, K, {a.p + m * a.row, a.row, a.column}, b, ldb, c + m * ldc, ldc);
  for (; m + 4 <= M; m += 4)
    wide_rows<4, kAccumulate>(N, K, {a.p + m * a.row, a.row, a.column}, b, ldb, c + m * ldc, ldc);
  for (; m < M; ++m)
    wide_rows<1, kAccumulate>(N, K, {a.p + m * a.row, a.row, a.column}, b, ldb, c + m * ldc, ldc);
}

}  // namespace

std::int64_t wide_tile_gemm(bool accumulate, std::int64_t M, std::int64_t N, std::int64_t K,
                            Left<float> a, const float* b, std::int64_t ldb, float* c,
                            std::int64_t ldc) {
  static const bool has = __builtin_cpu_supports("avx512f");
  if (!has) return 0;
  const std::int64_t n = N / kWideLanes * kWideLanes;
  (accumulate ? wide_run<true> : wide_run<false>)(M, n, K, a, b, ldb, c, ldc);
  return n;
}

#else

std::int64_t wide_tile_gemm(bool, std::int64_t, std::int64_t, std::int64_t, Left<float>,
                            const float*, std::int64_t, float*, std::int64_t) {
  return 0;
}

#endif

}  // namespace axl::kernels::host
