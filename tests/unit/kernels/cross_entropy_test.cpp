// Softmax cross entropy: values, gradients, extreme logits.
#include "kernel_testing.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

class CrossEntropyTest : public KernelTest {};
AXL_EVERY_BACKEND(CrossEntropyTest);

template <class T>
struct Data {
  std::int64_t R, V;
  std::vector<Acc<T>> logits;
  std::vector<std::int32_t> targets;
  std::vector<double> loss;
  std::vector<T> d;
  Data(std::int64_t rows, std::int64_t classes, double scale)
      : R(rows),
        V(classes),
        logits(uniform<Acc<T>>(R * V, 1, scale)),
        loss(static_cast<std::size_t>(R)),
        d(static_cast<std::size_t>(R * V)) {
    for (std::int64_t r = 0; r < R; ++r)
      targets.push_back(static_cast<std::int32_t>(
          random_below(static_cast<std::uint64_t>(V), 5, 1, static_cast<std::uint64_t>(r))));
    targets[0] = static_cast<std::int32_t>(V - 1);
  }
  void run(const KernelTable& t, Queue& q, double grad_scale = 1.0) {
    t.cross_entropy(kernels::CrossEntropy<T>{logits.data(), targets.data(), loss.data(), d.data(),
                                             R, V, grad_scale},
                    q);
  }
};

TEST_P(CrossEntropyTest, LossAndGradientAreTheDefinition) {
  typed([&]<class T>(T) {
    for (const std::int64_t V : {2, 3, 7, 64, 1000, 4096, 4097, 50000})
      for (const double scale : {1.0, 20.0}) {
        Data<T> ours(3, V, scale), expected = ours, again = ours;
        expected.run(reference, queue, 0.125);
        ours.run(table, queue, 0.125);
        again.run(table, queue, 0.125);
        for (std::size_t r = 0; r < 3; ++r)
          EXPECT_NEAR(ours.loss[r], expected.loss[r],
                      4 * tol(dtype_of<Acc<T>>(), 4096) * std::max(1.0, scale))
              << V;
        EXPECT_LE(distance(ours.d, expected.d), 16 * tol(dtype, 1) * scale) << V;
        EXPECT_TRUE(same_bits(ours.d, again.d) && same_bits(ours.loss, again.loss));
      }
  });
}

TEST_P(CrossEntropyTest, GradientsSumToZero) {
  typed([&]<class T>(T) {
    for (const std::int64_t V : {2, 1000, 50000}) {
      Data<T> c(2, V, 3.0);
      c.run(table, queue);
      for (std::int64_t r = 0; r < 2; ++r) {
        double sum = 0;
        for (std::int64_t v = 0; v < V; ++v)
          sum += number(c.d[static_cast<std::size_t>(r * V + v)]);
        EXPECT_NEAR(sum, 0.0, 2 * tol(dtype, V)) << V;
      }
    }
  });
}

TEST_P(CrossEntropyTest, ExtremeLogits) {
  typed([&]<class T>(T) {
    Data<T> c(2, 100, 0.0);
    c.targets = {3, 4};
    for (std::size_t v = 0; v < 200; ++v) c.logits[v] = Acc<T>(-1e4);
    c.logits[3] = c.logits[103] = Acc<T>(1e4);  // the first row's target; the second's enemy
    c.run(table, queue);
    EXPECT_NEAR(c.loss[0], 0.0, 1e-6);
    EXPECT_NEAR(c.loss[1], 2e4, 1e-2);
    EXPECT_NEAR(number(c.d[3]), 0.0, 1e-6);
    EXPECT_NEAR(number(c.d[103]), 1.0, 1e-6);
    EXPECT_NEAR(number(c.d[104]), -1.0, 1e-6);
    for (const T x : c.d) EXPECT_TRUE(std::isfinite(number(x)));
  });
}

TEST_P(CrossEntropyTest, EqualLogitsGiveLogV) {
  typed([&]<class T>(T) {
    for (const std::int64_t V : {2, 300, 50000}) {
      Data<T> c(1, V, 0.0);
      c.run(table, queue);
      EXPECT_NEAR(c.loss[0], std::log(static_cast<double>(V)), 1e-5);
    }
  });
}

TEST_P(CrossEntropyTest, AnAlmostCertainTargetKeepsItsGradient) {
  typed([&]<class T>(T) {
    Data<T> c(1, 2, 0.0);
    c.targets = {0};
    c.logits = {Acc<T>(12), Acc<T>(0)};
    c.run(table, queue);
    const double other = 1.0 / (1.0 + std::exp(12.0));
    EXPECT_NEAR(number(c.d[0]) / -other, 1.0, 1e-2);
    EXPECT_NEAR(number(c.d[1]) / other, 1.0, 1e-2);
  });
}

TEST_P(CrossEntropyTest, GradientMayOverwriteLogitsOrBeLeftOut) {
  typed([&]<class T>(T) {
    Data<T> c(3, 77, 4.0);
    c.run(table, queue, 0.5);
    Data<T> without = c;
    std::fill(without.loss.begin(), without.loss.end(), 0.0);
    table.cross_entropy(kernels::CrossEntropy<T>{c.logits.data(), c.targets.data(),
                                                 without.loss.data(), nullptr, 3, 77, 0.5},
                        queue);
    EXPECT_EQ(without.loss, c.loss);
    if constexpr (std::is_same_v<T, Acc<T>>) {
      std::vector<T> over = c.logits;
      table.cross_entropy(kernels::CrossEntropy<T>{over.data(), c.targets.data(), c.loss.data(),
                                                   over.data(), 3, 77, 0.5},
                          queue);
      EXPECT_TRUE(same_bits(over, c.d));
    }
  });
}

TEST_P(CrossEntropyTest, NanAndInfiniteLogitsAreNotHidden) {
  typed([&]<class T>(T) {
    for (const double bad : {std::nan(""), static_cast<double>(INFINITY)})
      for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{76}}) {
        Data<T> c(2, 77, 1.0);
        c.targets = {9, 9};
        c.logits[at] = static_cast<Acc<T>>(bad);
        c.run(table, queue);
        EXPECT_FALSE(std::isfinite(c.loss[0])) << at << " " << bad;
        EXPECT_TRUE(std::isfinite(c.loss[1]));
      }
  });
}

}  // namespace
}  // namespace axl::test
