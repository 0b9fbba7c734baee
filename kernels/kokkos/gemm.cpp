#include <vector>

#include "kokkos/host.hpp"
#include "kokkos/tile_gemm.hpp"

namespace axl::kernels::host {
namespace {

constexpr std::int64_t kRowBlock = 48;
constexpr std::int64_t kColumnBlock = 256;
constexpr std::int64_t kDepthBlock = 256;

/// Copies a (rows, columns) tile of a stored or transposed matrix into `out`, as accumulators.
template <class T>
void pack_tile(const void* matrix, std::int64_t ld, bool transposed, std::int64_t row,
               std::int64_t column, std::int64_t rows, std::int64_t columns, Acc<T>* out) {
  const T* p = static_cast<const T*>(matrix);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      out[i * columns + j] =
          up(transposed ? p[(column + j) * ld + row + i] : p[(row + i) * ld + column + j]);
}

/// Packs tiles of both operands to the accumulator's type and multiplies them with TileGemm: the
/// GEMM of f64 (gradient checks), and of the other types where oneDNN is not wanted.
template <class T, class C>
void gemm_typed(const Gemm& g, Queue& q) {
  using A = Acc<T>;
  const std::int64_t row_blocks = (g.M + kRowBlock - 1) / kRowBlock;
  const std::int64_t column_blocks = (g.N + kColumnBlock - 1) / kColumnBlock;
  C* c = static_cast<C*>(g.c);
  Kokkos::parallel_for(
      "axl::gemm", Range(exec_of(q), 0, row_blocks * column_blocks), [=](std::int64_t tile) {
        const std::int64_t m0 = (tile % row_blocks) * kRowBlock;
        const std::int64_t n0 = (tile / row_blocks) * kColumnBlock;
        const std::int64_t m = std::min(kRowBlock, g.M - m0), n = std::min(kColumnBlock, g.N - n0);
        std::vector<A> pa(static_cast<std::size_t>(m * kDepthBlock));
        std::vector<A> pb(static_cast<std::size_t>(kDepthBlock * n));
        std::vector<A> sum(static_cast<std::size_t>(m * n), A(0));
        for (std::int64_t k0 = 0; k0 < g.K; k0 += kDepthBlock) {
          const std::int64_t k = std::min(kDepthBlock, g.K - k0);
          pack_tile<T>(g.a, g.lda, g.trans_a, m0, k0, m, k, pa.data());
          pack_tile<T>(g.b, g.ldb, g.trans_b, k0, n0, k, n, pb.data());
          TileGemm<A, true>::run(m, n, k, {pa.data(), k, 1}, pb.data(), n, sum.data(), n);
        }
        for (std::int64_t i = 0; i < m; ++i)
          for (std::int64_t j = 0; j < n; ++j) {
            C& out = c[(m0 + i) * g.ldc + n0 + j];
            const A value = static_cast<A>(g.alpha) * sum[static_cast<std::size_t>(i * n + j)];
            out = C(g.accumulate ? static_cast<A>(out) + value : value);
          }
      });
}

void gemm(const Gemm& g, Queue& q) {
  if (g.ab == DType::f64)
    gemm_typed<double, double>(g, q);
  else if (g.ab == DType::f32)
    gemm_typed<float, float>(g, q);
  else if (g.c_type == DType::f32)
    gemm_typed<bf16, float>(g, q);
  else
    gemm_typed<bf16, bf16>(g, q);
}

std::int64_t pack_bytes(const PackQuery&) { return 0; }

}  // namespace

void add_gemm(KernelTable& t) {
  t.gemm_backend = "kokkos";
  t.gemm = &gemm;
  t.pack_bytes = &pack_bytes;
}

}  // namespace axl::kernels::host
