#include "kokkos/host.hpp"
#include "kokkos/simd.hpp"

namespace axl::kernels::host {
namespace {

void widen(const Widen& a, Queue& q) {
  for_blocks("axl::widen", q, a.n, [=](std::int64_t first, std::int64_t last) {
    for_vectors<float>(
        first, last, [&](std::int64_t i, auto part) { store(a.y + i, load(a.x + i, part), part); });
  });
}

constexpr std::int64_t kSide = kLanes<float>;

/// y[c][r] = x[r][c] for a square of kSide lanes: pairs, then pairs of pairs, then halves change
/// places.
inline void transpose_square(const bf16* x, std::int64_t x_stride, float* y,
                             std::int64_t y_stride) {
  static_assert(kSide == 8);
  Vec<float> v[8], u[8];
  for (std::int64_t r = 0; r < 8; ++r) v[r] = load(x + r * x_stride);
  for (int i = 0; i < 8; i += 2) {
    u[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    u[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = i; j < i + 2; ++j) {
      v[j] = __builtin_shufflevector(u[j], u[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      v[j + 2] = __builtin_shufflevector(u[j], u[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int j = 0; j < 4; ++j) {
    store(y + j * y_stride, __builtin_shufflevector(v[j], v[j + 4], 0, 1, 2, 3, 8, 9, 10, 11));
    store(y + (j + 4) * y_stride,
          __builtin_shufflevector(v[j], v[j + 4], 4, 5, 6, 7, 12, 13, 14, 15));
  }
}

/// A task is a strip of columns as wide as a cache line of x.
void widen_transposed(const WidenTransposed& a, Queue& q) {
  constexpr std::int64_t kStrip = 32;
  const std::int64_t strips = (a.columns + kStrip - 1) / kStrip;
  Kokkos::parallel_for("axl::widen_transposed", Range(exec_of(q), 0, strips), [=](std::int64_t s) {
    const std::int64_t first = s * kStrip, last = std::min(a.columns, first + kStrip);
    const std::int64_t whole = first + (last - first) / kSide * kSide;
    // Two squares fill a cache line of y, whose rows may all fall on the same few cache sets.
    constexpr std::int64_t kRows = 2 * kSide;
    std::int64_t r = 0;
    for (; r + kRows <= a.rows; r += kRows) {
      for (std::int64_t c = first; c < whole; c += kSide)
        for (std::int64_t i = r; i < r + kRows; i += kSide)
          transpose_square(a.x + i * a.columns + c, a.columns, a.y + c * a.rows + i, a.rows);
      for (std::int64_t c = whole; c < last; ++c)
        for (std::int64_t i = r; i < r + kRows; ++i)
          a.y[c * a.rows + i] = up(a.x[i * a.columns + c]);
    }
    for (; r < a.rows; ++r)
      for (std::int64_t c = first; c < last; ++c) a.y[c * a.rows + r] = up(a.x[r * a.columns + c]);
  });
}

/// R rows of A against one row of B.
template <int R>
void dot_rows(const NarrowGemm& g, std::int64_t m, std::int64_t n) {
  Vec<float> sum[R] = {};
  for_vectors<float>(0, g.K, [&](std::int64_t k, auto part) {
    const Vec<float> b = load(g.b + n * g.K + k, part);
    for (int r = 0; r < R; ++r) sum[r] += b * load(g.a + (m + r) * g.lda + k, part);
  });
  for (int r = 0; r < R; ++r) {
    float& c = g.c[(m + r) * g.ldc + n];
    c = sum_lanes<float>(sum[r]) + (g.accumulate ? c : 0.0f);
  }
}

void narrow_gemm(const NarrowGemm& g, Queue& q) {
  Kokkos::parallel_for("axl::narrow_gemm", Range(exec_of(q), 0, g.N), [=](std::int64_t n) {
    std::int64_t m = 0;
    for (; m + 4 <= g.M; m += 4) dot_rows<4>(g, m, n);
    for (; m < g.M; ++m) dot_rows<1>(g, m, n);
  });
}

}  // namespace

void add_narrow(KernelTable& t) {
  t.widen = &widen;
  t.widen_transposed = &widen_transposed;
  t.narrow_gemm = &narrow_gemm;
}

}  // namespace axl::kernels::host
