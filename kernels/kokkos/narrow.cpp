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
  t.narrow_gemm = &narrow_gemm;
}

}  // namespace axl::kernels::host
