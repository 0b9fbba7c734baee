// Weights kept in bf16 while f32 is computed, against the plain loops.
#include "kernel_testing.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

TEST(Narrow, WideningIsExact) {
  const std::int64_t n = 8195;
  std::vector<bf16> x(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i)
    x[static_cast<std::size_t>(i)].bits = static_cast<std::uint16_t>(i * 8);
  std::vector<float> y(x.size(), -1.0f), expected(x.size());
  reference_table().widen({x.data(), expected.data(), n}, session().queue());
  kokkos_table().widen({x.data(), y.data(), n}, session().queue());
  EXPECT_TRUE(same_bits(y, expected));
}

TEST(Narrow, WideningTransposesToo) {
  for (const std::int64_t rows : {1, 7, 16, 17, 40, 64})
    for (const std::int64_t columns : {1, 8, 15, 32, 33, 72, 96}) {
      const std::vector<bf16> x = uniform<bf16>(rows * columns, 4);
      std::vector<float> y(x.size(), -1.0f), expected(x.size());
      reference_table().widen_transposed({x.data(), expected.data(), rows, columns},
                                         session().queue());
      kokkos_table().widen_transposed({x.data(), y.data(), rows, columns}, session().queue());
      EXPECT_TRUE(same_bits(y, expected)) << rows << " x " << columns;
      EXPECT_EQ(expected[static_cast<std::size_t>((columns - 1) * rows)],
                static_cast<float>(x[static_cast<std::size_t>(columns - 1)]));
    }
}

TEST(Narrow, FewRowsTimesManyColumns) {
  for (const std::int64_t M : {1, 3, 4, 5, 8})
    for (const std::int64_t K : {1, 8, 33, 576})
      for (const bool accumulate : {false, true}) {
        const std::int64_t N = 37, lda = K + 3, ldc = N + 2;
        const std::vector<float> a = uniform<float>(M * lda, 1);
        const std::vector<bf16> b = uniform<bf16>(N * K, 2);
        std::vector<float> c = uniform<float>(M * ldc, 3), expected = c;
        const auto run = [&](const KernelTable& table, std::vector<float>& out) {
          table.narrow_gemm({a.data(), b.data(), out.data(), M, N, K, lda, ldc, accumulate},
                            session().queue());
        };
        run(reference_table(), expected);
        run(kokkos_table(), c);
        EXPECT_LE(distance(c, expected), tol(DType::f32, K)) << M << " " << K;
      }
}

}  // namespace
}  // namespace axl::test
