// The AdamW step over many steps, and the sum behind the gradient norm.
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
