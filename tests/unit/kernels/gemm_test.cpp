// Matrix products of every back end, with their packed forms, against the triple loop.
#include "kernel_testing.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

struct Shape {
  std::int64_t M, N, K;
};
const std::vector<Shape> kShapes = {{1, 1, 1},   {3, 7, 5},   {17, 64, 33}, {64, 128, 96},
                                    {1, 80, 64}, {50, 1, 64}, {40, 33, 1},  {49, 260, 300}};

/// Reads and writes arrays whose element type is known at run time.
struct Array {
  DType type;
  std::vector<std::byte> bytes;
  Array(DType t, std::int64_t n, std::uint64_t seed)
      : type(t), bytes(static_cast<std::size_t>(n * size_of(t))) {
    for (std::int64_t i = 0; i < n; ++i)
      set(i, 2.0 * random_uniform(seed, 3, static_cast<std::uint64_t>(i)) - 1.0);
  }
  std::int64_t size() const { return static_cast<std::int64_t>(bytes.size()) / size_of(type); }
  void set(std::int64_t i, double x) {
    void* p = bytes.data();
    if (type == DType::f32)
      static_cast<float*>(p)[i] = static_cast<float>(x);
    else if (type == DType::bf16)
      static_cast<bf16*>(p)[i] = bf16(static_cast<float>(x));
    else
      static_cast<double*>(p)[i] = x;
  }
  double get(std::int64_t i) const {
    const void* p = bytes.data();
    if (type == DType::f32) return number(static_cast<const float*>(p)[i]);
    if (type == DType::bf16) return number(static_cast<const bf16*>(p)[i]);
    return static_cast<const double*>(p)[i];
  }
};

double distance(const Array& a, const Array& b) {
  std::vector<double> x, y;
  for (std::int64_t i = 0; i < b.size(); ++i) {
    x.push_back(a.get(i));
    y.push_back(b.get(i));
  }
  return test::distance(x, y);
}

struct GemmCase {
  Backend backend;
  DType ab, c;
};
class GemmTest : public ::testing::TestWithParam<GemmCase> {
 protected:
  KernelTable table = table_of(GetParam().backend), reference = reference_table();
  DType ab = GetParam().ab, c_type = GetParam().c;
  Queue& queue = session().queue();
  Gemm gemm(const Array& a, const Array& b, Array& c, Shape s, bool ta, bool tb) const {
    Gemm g{.a = a.bytes.data(),
           .b = b.bytes.data(),
           .c = c.bytes.data(),
           .M = s.M,
           .N = s.N,
           .K = s.K,
           .lda = ta ? s.M : s.K,
           .ldb = tb ? s.K : s.N,
           .ldc = s.N};
    g.trans_a = ta;
    g.trans_b = tb;
    g.ab = ab;
    g.c_type = c_type;
    return g;
  }
  double bound(std::int64_t K) const {
    return tol(c_type, K) + (ab == DType::f64 ? 0 : tol(DType::f32, K));
  }
};
INSTANTIATE_TEST_SUITE_P(Every, GemmTest,
                         ::testing::Values(GemmCase{Backend::kokkos, DType::f32, DType::f32},
                                           GemmCase{Backend::kokkos, DType::bf16, DType::bf16},
                                           GemmCase{Backend::kokkos, DType::bf16, DType::f32},
                                           GemmCase{Backend::kokkos, DType::f64, DType::f64},
                                           GemmCase{Backend::production, DType::f32, DType::f32},
                                           GemmCase{Backend::production, DType::bf16, DType::bf16},
                                           GemmCase{Backend::production, DType::bf16, DType::f32},
                                           GemmCase{Backend::production, DType::f64, DType::f64}),
                         [](const ::testing::TestParamInfo<GemmCase>& p) {
                           return std::string(p.param.backend == Backend::kokkos ? "kokkos_"
                                                                                 : "production_") +
                                  std::string(name_of(p.param.ab)) + "_to_" +
                                  std::string(name_of(p.param.c));
                         });

TEST_P(GemmTest, EveryTransposition) {
  for (const Shape s : kShapes)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        const Array a(ab, s.M * s.K, 1), b(ab, s.K * s.N, 2);
        Array c(c_type, s.M * s.N, 3), expected = c, again = c;
        reference.gemm(gemm(a, b, expected, s, ta, tb), queue);
        table.gemm(gemm(a, b, c, s, ta, tb), queue);
        table.gemm(gemm(a, b, again, s, ta, tb), queue);
        EXPECT_LE(distance(c, expected), bound(s.K))
            << s.M << "x" << s.N << "x" << s.K << (ta ? " A'" : "") << (tb ? " B'" : "");
        EXPECT_TRUE(same_bits(c.bytes, again.bytes));
      }
}

TEST_P(GemmTest, AlphaAndAccumulate) {
  for (const Shape s : kShapes)
    for (const float alpha : {1.0f, 0.25f, -3.0f})
      for (const bool accumulate : {false, true}) {
        const Array a(ab, s.M * s.K, 1), b(ab, s.K * s.N, 2);
        Array c(c_type, s.M * s.N, 3), expected = c;
        Gemm g = gemm(a, b, expected, s, false, true);
        g.alpha = alpha;
        g.accumulate = accumulate;
        reference.gemm(g, queue);
        g.c = c.bytes.data();
        table.gemm(g, queue);
        EXPECT_LE(distance(c, expected), 2 * bound(s.K))
            << s.M << "x" << s.N << "x" << s.K << " alpha " << alpha << " accumulate "
            << accumulate;
      }
}

TEST_P(GemmTest, RowStridesLeaveTheGapsAlone) {
  const Shape s{9, 20, 12};
  const Array a(ab, s.M * (s.K + 3), 1), b(ab, s.N * (s.K + 5), 2);
  Array c(c_type, s.M * (s.N + 7), 3), expected = c;
  Gemm g = gemm(a, b, expected, s, false, true);
  g.lda = s.K + 3;
  g.ldb = s.K + 5;
  g.ldc = s.N + 7;
  reference.gemm(g, queue);
  g.c = c.bytes.data();
  table.gemm(g, queue);
  EXPECT_LE(distance(c, expected), bound(s.K));
  const Array before(c_type, s.M * (s.N + 7), 3);
  for (std::int64_t m = 0; m < s.M; ++m)
    for (std::int64_t n = s.N; n < s.N + 7; ++n)
      EXPECT_EQ(c.get(m * (s.N + 7) + n), before.get(m * (s.N + 7) + n));
}

TEST_P(GemmTest, AnEmptySumIsZero) {
  const Array a(ab, 0, 1), b(ab, 0, 2);
  Array c(c_type, 6, 3);
  const Array before = c;
  Gemm g = gemm(a, b, c, {2, 3, 0}, false, false);
  g.lda = 1;
  g.accumulate = true;
  table.gemm(g, queue);
  EXPECT_TRUE(same_bits(c.bytes, before.bytes));
  g.accumulate = false;
  table.gemm(g, queue);
  for (std::int64_t i = 0; i < 6; ++i) EXPECT_EQ(c.get(i), 0.0);
}

TEST_P(GemmTest, NanReachesItsRow) {
  const Shape s{5, 12, 8};
  Array a(ab, s.M * s.K, 1);
  const Array b(ab, s.K * s.N, 2);
  a.set(2 * s.K + 3, std::nan(""));
  Array c(c_type, s.M * s.N, 3);
  table.gemm(gemm(a, b, c, s, false, false), queue);
  for (std::int64_t i = 0; i < c.size(); ++i) EXPECT_EQ(std::isnan(c.get(i)), i / s.N == 2);
}

TEST_P(GemmTest, PackedEqualsUnpacked) {
  bool any = false;
  for (const Shape s : kShapes)
    for (const bool stored_transposed : {false, true}) {
      const std::int64_t bytes = table.pack_bytes({s.K, s.N, ab});
      if (bytes == 0) continue;
      any = true;
      const Array a(ab, s.M * s.K, 1), b(ab, s.K * s.N, 2);
      std::vector<std::byte> memory(static_cast<std::size_t>(bytes) + 64);
      const auto at = (reinterpret_cast<std::uintptr_t>(memory.data()) + 63) / 64 * 64;
      PackedMatrix packed{reinterpret_cast<void*>(at), bytes, s.K, s.N, ab};
      table.pack(b.bytes.data(), stored_transposed, packed, reinterpret_cast<void*>(at), queue);
      for (const bool accumulate : {false, true}) {
        Array c(c_type, s.M * s.N, 3), expected = c;
        Gemm g = gemm(a, b, expected, s, false, stored_transposed);
        g.accumulate = accumulate;
        reference.gemm(g, queue);
        g.c = c.bytes.data();
        g.b = nullptr;
        g.ldb = 0;
        g.packed_b = &packed;
        table.gemm(g, queue);
        EXPECT_LE(distance(c, expected), 2 * bound(s.K)) << s.M << "x" << s.N << "x" << s.K;
      }
    }
  // bf16 is packed where the processor multiplies it.
  if (GetParam().backend != Backend::production || ab == DType::f64) {
    EXPECT_FALSE(any);
  } else if (ab == DType::f32) {
    EXPECT_TRUE(any);
  }
}

/// Register tiles, vectors of any width and depth blocks change nothing about how an element is
/// summed: products are added one after another, each rounded once with its sum.
TEST(TileGemm, EveryTileGivesTheSameBits) {
  const KernelTable table = kokkos_table();
  for (const std::int64_t M : {1, 4, 13, 50})
    for (const std::int64_t N : {1, 8, 15, 16, 33, 72, 300})
      for (const std::int64_t K : {1, 17, 300}) {
        const std::vector<float> a = uniform<float>(M * K, 1), b = uniform<float>(K * N, 2);
        std::vector<float> c(static_cast<std::size_t>(M * N)), expected(c.size());
        for (std::int64_t m = 0; m < M; ++m)
          for (std::int64_t n = 0; n < N; ++n)
            for (std::int64_t k = 0; k < K; ++k) {
              float& sum = expected[static_cast<std::size_t>(m * N + n)];
              sum = std::fma(a[static_cast<std::size_t>(m * K + k)],
                             b[static_cast<std::size_t>(k * N + n)], sum);
            }
        table.gemm({.a = a.data(),
                    .b = b.data(),
                    .c = c.data(),
                    .M = M,
                    .N = N,
                    .K = K,
                    .lda = K,
                    .ldb = N,
                    .ldc = N},
                   session().queue());
        EXPECT_TRUE(same_bits(c, expected)) << M << " x " << N << " x " << K;
      }
}

TEST(Table, Bf16WithoutArithmeticOfItsOwnIsComputedAsF32) {
  KernelTable table = kokkos_table();
  EXPECT_EQ(table.compute_type(DType::bf16), DType::f32);
  table.native_bf16 = true;
  EXPECT_EQ(table.compute_type(DType::bf16), DType::bf16);
  EXPECT_EQ(table.compute_type(DType::f32), DType::f32);
}

TEST(Table, AHoleIsSeen) {
  EXPECT_FALSE(has_hole(make_kernel_table()));
  EXPECT_FALSE(has_hole(counting_table()));
  KernelTable table = make_kernel_table();
  table.sgd = nullptr;
  EXPECT_TRUE(has_hole(table));
  table = make_kernel_table();
  table.columns_add.b16 = nullptr;
  EXPECT_TRUE(has_hole(table));
}

TEST(Table, NamesEveryBackend) {
  const std::string text = make_kernel_table().describe();
  for (const char* part :
       {"gemm=onednn", "rmsnorm=kokkos", "attention=kokkos", "cross_entropy=kokkos"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

}  // namespace
}  // namespace axl::test
