// Embedding, copies, rows, biases, dropout and conversions.
#include <algorithm>

#include "kernel_testing.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

class Embedding : public KernelTest {};
AXL_EVERY_BACKEND(Embedding);
class Elementwise : public KernelTest {};
AXL_EVERY_BACKEND(Elementwise);
class DropoutTest : public KernelTest {};
AXL_EVERY_BACKEND(DropoutTest);

TEST_P(Embedding, GathersAndScatters) {
  typed([&]<class T>(T) {
    for (const Size s : sizes()) {
      constexpr std::int64_t V = 5;  // rows repeat
      std::vector<std::int32_t> ids;
      for (std::int64_t t = 0; t < s.rows; ++t) ids.push_back(static_cast<std::int32_t>(t * 3 % V));
      const std::vector<T> weights = uniform<T>(V * s.columns, 1),
                           dy = uniform<T>(s.rows * s.columns, 2);
      std::vector<T> y(dy.size()), expected(dy.size());
      reference.embedding_fwd(
          EmbeddingFwd<T>{ids.data(), weights.data(), expected.data(), s.rows, s.columns}, queue);
      table.embedding_fwd(EmbeddingFwd<T>{ids.data(), weights.data(), y.data(), s.rows, s.columns},
                          queue);
      EXPECT_TRUE(same_bits(y, expected));
      std::vector<Acc<T>> d = uniform<Acc<T>>(V * s.columns, 3), d_expected = d;
      reference.embedding_bwd(
          EmbeddingBwd<T>{ids.data(), dy.data(), d_expected.data(), s.rows, s.columns}, queue);
      table.embedding_bwd(EmbeddingBwd<T>{ids.data(), dy.data(), d.data(), s.rows, s.columns},
                          queue);
      EXPECT_TRUE(same_bits(d, d_expected)) << "the order of t is the contract";
    }
  });
}

TEST_P(Embedding, NanOfARowIsGathered) {
  typed([&]<class T>(T) {
    const std::vector<std::int32_t> ids = {1, 0};
    std::vector<T> weights = uniform<T>(6, 1), y(6);
    weights[4] = value<T>(std::nan(""));
    table.embedding_fwd(EmbeddingFwd<T>{ids.data(), weights.data(), y.data(), 2, 3}, queue);
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(std::isnan(number(y[i])), i == 1);
  });
}

TEST_P(Embedding, NoiseIsUniformAndScaledByTheLengthOfItsDocument) {
  typed([&]<class T>(T) {
    constexpr std::int64_t C = 64;
    const std::vector<std::int32_t> cu = {0, 400, 401, 501};
    const std::int64_t T_ = cu.back();
    const auto noise = [&](const KernelTable& with, double alpha, std::uint64_t key, double x) {
      std::vector<T> out(static_cast<std::size_t>(T_ * C), value<T>(x));
      with.embedding_noise(EmbeddingNoise<T>{out.data(), cu.data(), 3, T_, C, alpha, key}, queue);
      return out;
    };
    const std::vector<T> made = noise(table, 5.0, 99, 0.0);
    EXPECT_LE(distance(made, noise(reference, 5.0, 99, 0.0)), tol(dtype, 1));
    EXPECT_TRUE(same_bits(made, noise(table, 5.0, 99, 0.0)));
    EXPECT_FALSE(same_bits(made, noise(table, 5.0, 100, 0.0)));
    const std::vector<T> none = noise(table, 0.0, 99, 0.5);
    EXPECT_TRUE(std::all_of(none.begin(), none.end(), [](T v) { return number(v) == 0.5; }));
    for (std::size_t s = 0; s + 1 < cu.size(); ++s) {
      const double most = 5.0 / std::sqrt(static_cast<double>((cu[s + 1] - cu[s]) * C));
      const auto n = static_cast<double>((cu[s + 1] - cu[s]) * C);
      double sum = 0, squares = 0, largest = 0;
      for (std::int64_t i = cu[s] * C; i < cu[s + 1] * C; ++i) {
        const double u = number(made[static_cast<std::size_t>(i)]) / most;
        sum += u;
        squares += u * u;
        largest = std::max(largest, std::abs(u));
      }
      // Uniform in [-1, 1): mean 0, variance 1/3; five standard errors.
      EXPECT_LE(largest, 1.0 + tol(dtype, 1));
      EXPECT_GT(largest, 0.9);
      EXPECT_NEAR(sum / n, 0.0, 5 * std::sqrt(1.0 / 3.0 / n)) << s;
      EXPECT_NEAR(squares / n, 1.0 / 3.0, 5 * std::sqrt(4.0 / 45.0 / n)) << s;
    }
  });
}

TEST_P(Elementwise, CopyIsBitwise) {
  typed([&]<class T>(T) {
    for (const std::int64_t n : {0, 1, 7, 8191, 8192, 8193, 30000}) {
      const std::vector<T> x = uniform<T>(n, 1);
      std::vector<T> y(x.size());
      table.copy(Copy<T>{x.data(), y.data(), n}, queue);
      EXPECT_TRUE(same_bits(x, y)) << n;
    }
  });
}

TEST_P(Elementwise, ScatterUndoesGather) {
  typed([&]<class T>(T) {
    const std::vector<std::int32_t> rows = {4, 0, 2};
    const std::vector<T> x = uniform<T>(5 * 33, 1);
    std::vector<T> picked(3 * 33), back(5 * 33, T(0)), expected(3 * 33);
    reference.rows(Rows<T>{x.data(), expected.data(), rows.data(), 3, 33, false}, queue);
    table.rows(Rows<T>{x.data(), picked.data(), rows.data(), 3, 33, false}, queue);
    EXPECT_TRUE(same_bits(picked, expected));
    table.rows(Rows<T>{picked.data(), back.data(), rows.data(), 3, 33, true}, queue);
    for (std::size_t i = 0; i < back.size(); ++i) {
      const bool chosen =
          std::count(rows.begin(), rows.end(), static_cast<std::int32_t>(i / 33)) > 0;
      EXPECT_EQ(number(back[i]), chosen ? number(x[i]) : 0.0);
    }
  });
}

TEST_P(Elementwise, BiasAndItsGradient) {
  typed([&]<class T>(T) {
    using A = Acc<T>;
    for (const Size s : sizes()) {
      std::vector<T> x = uniform<T>(s.rows * s.columns, 1), expected = x;
      const std::vector<T> bias = uniform<T>(s.columns, 2);
      reference.bias_add(BiasAdd<T>{expected.data(), bias.data(), s.rows, s.columns}, queue);
      table.bias_add(BiasAdd<T>{x.data(), bias.data(), s.rows, s.columns}, queue);
      EXPECT_LE(distance(x, expected), tol(dtype, 1));
      std::vector<A> partial(static_cast<std::size_t>(kBiasPartials * s.columns), A(7));
      std::vector<A> d = uniform<A>(s.columns, 3), d_expected = d, again = d;
      reference.bias_grad(
          BiasGrad<T>{x.data(), d_expected.data(), partial.data(), s.rows, s.columns}, queue);
      table.bias_grad(BiasGrad<T>{x.data(), d.data(), partial.data(), s.rows, s.columns}, queue);
      table.bias_grad(BiasGrad<T>{x.data(), again.data(), partial.data(), s.rows, s.columns},
                      queue);
      EXPECT_LE(distance(d, d_expected), tol(dtype_of<A>(), s.rows + 32)) << s.rows;
      EXPECT_TRUE(same_bits(d, again));
    }
  });
}

TEST_P(Elementwise, ConversionRoundsOnce) {
  typed([&]<class T>(T) {
    std::vector<Acc<T>> x = uniform<Acc<T>>(9000, 1, 100);
    x[5] = std::numeric_limits<Acc<T>>::quiet_NaN();
    x[6] = std::numeric_limits<Acc<T>>::infinity();
    std::vector<T> y(x.size()), expected(x.size());
    reference.from_acc(FromAcc<T>{x.data(), expected.data(), 9000}, queue);
    table.from_acc(FromAcc<T>{x.data(), y.data(), 9000}, queue);
    EXPECT_TRUE(same_bits(y, expected));
    EXPECT_TRUE(std::isnan(number(y[5])));
    EXPECT_EQ(number(y[6]), INFINITY);
  });
}

TEST_P(DropoutTest, KeepsAsDefined) {
  typed([&]<class T>(T) {
    for (const std::int64_t n : {1, 7, 8193})
      for (const double p : {0.0, 0.05, 0.5, 0.9})
        for (const bool accumulate : {false, true}) {
          const std::vector<T> x = uniform<T>(n, 1);
          std::vector<T> y = uniform<T>(n, 2), expected = y;
          reference.dropout(Dropout<T>{x.data(), expected.data(), n, p, 99, accumulate}, queue);
          table.dropout(Dropout<T>{x.data(), y.data(), n, p, 99, accumulate}, queue);
          EXPECT_LE(distance(y, expected), tol(dtype, 1)) << n << " " << p;
          if (p == 0.0 && !accumulate) {
            EXPECT_TRUE(same_bits(y, x));
          }
        }
  });
}

TEST_P(DropoutTest, DropsTheRightShareAndKeepsTheMean) {
  typed([&]<class T>(T) {
    constexpr std::int64_t n = 200000;
    for (const double p : {0.05, 0.1, 0.5}) {
      const std::vector<T> x(n, T(1));
      std::vector<T> y(n);
      table.dropout(Dropout<T>{x.data(), y.data(), n, p, 1234, false}, queue);
      double dropped = 0, sum = 0, runs = 0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        dropped += number(y[i]) == 0 ? 1 : 0;
        sum += number(y[i]);
        if (i > 0) runs += number(y[i]) == 0 && number(y[i - 1]) == 0 ? 1 : 0;
      }
      const double sigma = std::sqrt(p * (1 - p) * n);
      EXPECT_NEAR(dropped, p * n, 4 * sigma) << p;
      EXPECT_NEAR(runs, p * p * n, 5 * std::sqrt(p * p * n)) << p << ": neighbours are independent";
      EXPECT_NEAR(sum / n, 1.0, 4 * sigma / n / (1 - p) + tol(dtype, 1)) << p;
    }
  });
}

TEST_P(DropoutTest, TheKeyDecides) {
  typed([&]<class T>(T) {
    constexpr std::int64_t n = 4096;
    const std::vector<T> x(n, T(1));
    const auto mask = [&](std::uint64_t key) {
      std::vector<T> y(n);
      table.dropout(Dropout<T>{x.data(), y.data(), n, 0.5, key, false}, queue);
      return y;
    };
    EXPECT_TRUE(same_bits(mask(1), mask(1)));
    const std::vector<T> a = mask(1), b = mask(2);
    double equal = 0;
    for (std::size_t i = 0; i < a.size(); ++i) equal += number(a[i]) == number(b[i]) ? 1 : 0;
    EXPECT_NEAR(equal, n / 2.0, 5 * std::sqrt(n) / 2)
        << "keys that differ by one bit are independent";
  });
}

TEST(Types, Bf16RoundsToNearestEven) {
  EXPECT_EQ(bf16(1.0f).bits, 0x3F80);
  EXPECT_EQ(bf16(std::bit_cast<float>(0x3F808000u)).bits, 0x3F80) << "a tie goes to the even one";
  EXPECT_EQ(bf16(std::bit_cast<float>(0x3F818000u)).bits, 0x3F82);
  EXPECT_EQ(bf16(std::bit_cast<float>(0x3F808001u)).bits, 0x3F81);
  EXPECT_EQ(bf16(-0.0f).bits, 0x8000);
  EXPECT_EQ(bf16(std::bit_cast<float>(0x7F7FFFFFu)).bits, 0x7F80) << "the largest float overflows";
  EXPECT_TRUE(std::isnan(static_cast<float>(bf16(std::bit_cast<float>(0x7F800001u)))));
  for (std::uint32_t i = 0; i < 0x10000; ++i) {
    bf16 b;
    b.bits = static_cast<std::uint16_t>(i);
    const float f = static_cast<float>(b);
    if (!std::isnan(f)) {
      EXPECT_EQ(bf16(f).bits, b.bits);
    }
  }
}

TEST(Types, HalfSurvivesTheRoundTrip) {
  for (std::uint32_t i = 0; i < 0x10000; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float f = f16_to_float(bits);
    if (!std::isnan(f)) {
      EXPECT_EQ(float_to_f16(f), bits) << f;
    }
  }
  EXPECT_EQ(f16_to_float(0x3C00), 1.0f);
  EXPECT_EQ(f16_to_float(0x0001), 0x1p-24f);
  EXPECT_EQ(float_to_f16(65520.0f), 0x7C00) << "the first that rounds to infinity";
  EXPECT_TRUE(std::isnan(f16_to_float(0x7E00)));
}

}  // namespace
}  // namespace axl::test
