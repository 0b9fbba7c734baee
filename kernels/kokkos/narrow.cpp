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

/// A task is a strip of columns as wide as a cache line of x.
void widen_transposed(const WidenTransposed& a, Queue& q) {
  constexpr std::int64_t kStrip = 32, kSide = kLanes<float>;
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
          transpose_square(a.x + i * a.columns + c, a.columns, 1.0f, a.y + c * a.rows + i, a.rows);
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
