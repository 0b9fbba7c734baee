// The optimisers over many steps, and the sum behind the gradient norm.
#include "axl/kernels/quantile_map.hpp"
#include "kernel_testing.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

class OptimizerKernels : public ::testing::TestWithParam<Backend> {
 protected:
  KernelTable table = table_of(GetParam()), reference = reference_table();
  Queue& queue = session().queue();
};
INSTANTIATE_TEST_SUITE_P(Every, OptimizerKernels,
                         ::testing::Values(Backend::kokkos, Backend::production),
                         [](const auto& p) {
                           return p.param == Backend::kokkos ? "kokkos" : "production";
                         });

struct State {
  std::vector<float> p, m, v;
  explicit State(std::int64_t n)
      : p(uniform<float>(n, 1)), m(static_cast<std::size_t>(n)), v(static_cast<std::size_t>(n)) {}
  void step(const KernelTable& t, Queue& q, const std::vector<float>& g, std::int64_t step,
            double scale) {
    t.adamw(AdamW{p.data(), m.data(), v.data(), g.data(), static_cast<std::int64_t>(p.size()), 1e-3,
                  0.9, 0.95, 1e-8, 0.1, scale, step},
            q);
  }
};

TEST_P(OptimizerKernels, AdamWFollowsTheDefinitionForFiftySteps) {
  for (const std::int64_t n : {1, 7, 8192, 8193}) {
    State ours(n), expected(n), again(n);
    for (std::int64_t t = 1; t <= 50; ++t) {
      const std::vector<float> g = uniform<float>(n, 100 + static_cast<std::uint64_t>(t), 0.3);
      const double scale = t % 2 == 0 ? 1.0 : 0.37;
      ours.step(table, queue, g, t, scale);
      again.step(table, queue, g, t, scale);
      expected.step(reference, queue, g, t, scale);
    }
    // 50 steps of 1e-3 moved p by at most 0.05; each carries a few roundings of p.
    for (std::size_t i = 0; i < ours.p.size(); ++i)
      EXPECT_NEAR(ours.p[i], expected.p[i], 2e-6) << n;
    EXPECT_LE(distance(ours.m, expected.m), tol(DType::f32, 50));
    EXPECT_LE(distance(ours.v, expected.v), tol(DType::f32, 50));
    EXPECT_TRUE(same_bits(ours.p, again.p));
    EXPECT_GT(distance(ours.p, State(n).p), 1e-4);
  }
}

TEST_P(OptimizerKernels, TheFirstStepMovesByTheLearningRate) {
  State s(3);
  s.p = {1.0f, 1.0f, 1.0f};
  s.step(table, queue, {0.5f, -2e-3f, 0.0f}, 1, 1.0);
  const float decayed = 1.0f - 1e-4f;
  EXPECT_NEAR(s.p[0], decayed - 1e-3f, 1e-7);
  EXPECT_NEAR(s.p[1], decayed + 1e-3f, 1e-7);
  EXPECT_NEAR(s.p[2], decayed, 1e-7);
}

TEST_P(OptimizerKernels, SgdFollowsTheDefinition) {
  for (const std::int64_t n : {1, 7, 8192, 8193})
    for (const bool buffered : {false, true}) {
      State ours(n), expected(n);
      const auto step = [&](State& s, const KernelTable& t, const std::vector<float>& g,
                            std::int64_t at) {
        t.sgd(Sgd{s.p.data(), buffered ? s.m.data() : nullptr, g.data(), n, 1e-2, 0.9,
                  n % 2 == 0 ? 0.1 : 0.0, 0.01, 0.5, n % 2 == 1, at},
              queue);
      };
      for (std::int64_t t = 1; t <= 20; ++t) {
        const std::vector<float> g = uniform<float>(n, 100 + static_cast<std::uint64_t>(t), 0.3);
        step(ours, table, g, t);
        step(expected, reference, g, t);
      }
      EXPECT_LE(distance(ours.p, expected.p), 1e-6) << n;
      EXPECT_LE(distance(ours.m, expected.m), 1e-6) << n;
      EXPECT_GT(distance(ours.p, State(n).p), 1e-4);
    }
}

TEST_P(OptimizerKernels, AdafactorFollowsTheDefinition) {
  struct Shape {
    std::int64_t rows, columns;
    bool factored;
  };
  for (const Shape& s :
       {Shape{1, 1, true}, {1, 9000, false}, {3, 5, true}, {33, 4097, true}, {70, 1, true}}) {
    const std::int64_t n = s.rows * s.columns;
    struct Factors {
      std::vector<float> row, column;
    };
    State ours(n), expected(n), again(n);
    const auto zeros = [](std::int64_t k) {
      return std::vector<float>(static_cast<std::size_t>(k));
    };
    Factors a{zeros(s.rows), zeros(s.columns)}, b = a, c = a;
    std::vector<double> partial(static_cast<std::size_t>(adafactor_partials(s.rows, s.columns)));
    const auto step = [&](State& x, Factors& f, const KernelTable& t, const std::vector<float>& g,
                          std::int64_t at) {
      t.adafactor(
          Adafactor{x.p.data(), g.data(), s.factored ? f.row.data() : nullptr,
                    s.factored ? f.column.data() : nullptr, s.factored ? nullptr : x.v.data(),
                    s.rows % 2 == 1 ? x.m.data() : nullptr, s.rows, s.columns, 1e-2, 0.9,
                    1.0 - std::pow(static_cast<double>(at), -0.8), 1e-30, 1.0, 0.01, 0.5,
                    s.rows == 3 ? 1e-3 : 0.0, partial.data()},
          queue);
    };
    for (std::int64_t t = 1; t <= 10; ++t) {
      const std::vector<float> g = uniform<float>(n, 100 + static_cast<std::uint64_t>(t), 0.3);
      step(ours, a, table, g, t);
      step(again, c, table, g, t);
      step(expected, b, reference, g, t);
    }
    EXPECT_LE(distance(ours.p, expected.p), 1e-5) << s.rows << " " << s.columns;
    EXPECT_LE(distance(a.row, b.row), 1e-5);
    EXPECT_LE(distance(a.column, b.column), 1e-5);
    EXPECT_TRUE(same_bits(ours.p, again.p));
    EXPECT_GT(distance(ours.p, State(n).p), 1e-5);
  }
}

TEST_P(OptimizerKernels, EightBitAdamWFollowsTheDefinition) {
  for (const std::int64_t n : {1, 255, 256, 257, 8192 + 300}) {
    struct Codes {
      std::vector<std::uint8_t> m, v;
      std::vector<float> m_scale, v_scale;
    };
    const auto blocks = static_cast<std::size_t>((n + kOptimizerBlock - 1) / kOptimizerBlock);
    const std::vector<std::uint8_t> none(static_cast<std::size_t>(n));
    Codes a{none, none, std::vector<float>(blocks), std::vector<float>(blocks)}, b = a;
    State ours(n), expected(n);
    const auto step = [&](State& x, Codes& c, const KernelTable& t, const std::vector<float>& g,
                          std::int64_t at) {
      t.adamw_8bit(AdamW8bit{x.p.data(), c.m.data(), c.v.data(), c.m_scale.data(), c.v_scale.data(),
                             g.data(), n, 1e-3, 0.9, 0.95, 1e-8, 0.1, 0.5, at},
                   queue);
    };
    for (std::int64_t t = 1; t <= 10; ++t) {
      const std::vector<float> g = uniform<float>(n, 100 + static_cast<std::uint64_t>(t), 0.3);
      step(ours, a, table, g, t);
      step(expected, b, reference, g, t);
    }
    // A last bit may be a whole code; few are.
    EXPECT_LE(distance(ours.p, expected.p), 1e-5) << n;
    EXPECT_LE(distance(a.m_scale, b.m_scale), 1e-3) << n;
    std::int64_t other = 0;
    for (std::size_t i = 0; i < none.size(); ++i) other += a.m[i] != b.m[i] || a.v[i] != b.v[i];
    EXPECT_LE(other, n / 100) << n;
  }
}

TEST(QuantileMaps, AreAscendingAndEncodeWhatTheyDecode) {
  for (const bool is_signed : {true, false}) {
    const QuantileMap& map = dynamic_map(is_signed);
    EXPECT_TRUE(std::is_sorted(map.values.begin(), map.values.end()));
    EXPECT_EQ(map.values[255], 1.0f);
    for (std::size_t i = 0; i < 256; ++i) {
      const float x = map.values[i];
      EXPECT_NEAR(map.values[map.encode(x)], x, 2.0f / 65535.0f) << i;
    }
    EXPECT_EQ(map.encode(std::nanf("")), 0);
    EXPECT_EQ(map.encode(1.0f), 255);
  }
}

TEST_P(OptimizerKernels, NanGradientsAreNotHidden) {
  State s(4);
  s.step(table, queue, {0.1f, std::nanf(""), 0.1f, 0.1f}, 1, 1.0);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(std::isnan(s.p[i]), i == 1);
}

TEST_P(OptimizerKernels, SumOfSquares) {
  for (const std::int64_t n : {0, 1, 7, 4095, 4096, 4097, 100000}) {
    std::vector<float> x = uniform<float>(n, 1, 3);
    std::vector<double> partial(static_cast<std::size_t>((n + kSumBlock - 1) / kSumBlock));
    double ours = -1, again = -1, expected = -1;
    table.sum_of_squares(SumOfSquares{x.data(), n, partial.data(), &ours}, queue);
    table.sum_of_squares(SumOfSquares{x.data(), n, partial.data(), &again}, queue);
    reference.sum_of_squares(SumOfSquares{x.data(), n, partial.data(), &expected}, queue);
    EXPECT_NEAR(ours, expected, 1e-12 * expected) << n;
    EXPECT_EQ(ours, again);
    if (n == 0) continue;
    x.back() = std::nanf("");
    table.sum_of_squares(SumOfSquares{x.data(), n, partial.data(), &ours}, queue);
    EXPECT_TRUE(std::isnan(ours));
  }
}

TEST_P(OptimizerKernels, LargeGradientsDoNotOverflowTheSum) {
  const std::vector<float> x(5000, 1e30f);
  double partial[2], sum = 0;
  table.sum_of_squares(SumOfSquares{x.data(), 5000, partial, &sum}, queue);
  EXPECT_NEAR(sum / 5e63, 1.0, 1e-6);
}

}  // namespace
}  // namespace axl::test
