// Columns gathered, scattered, added to and scaled; the norms of DoRA.
#include <algorithm>

#include "kernel_testing.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

class ColumnsTest : public KernelTest {};
AXL_EVERY_BACKEND(ColumnsTest);
class DoraTest : public KernelTest {};
AXL_EVERY_BACKEND(DoraTest);

constexpr std::int64_t kWide = 70;

TEST_P(ColumnsTest, ScatterUndoesGatherAndNothingElseChanges) {
  typed([&]<class T>(T) {
    const std::vector<std::int32_t> ids = {69, 3, 0, 17};
    for (const std::int64_t R : {1, 5, 33}) {
      const std::vector<T> wide = uniform<T>(R * kWide, 1);
      std::vector<T> narrow(static_cast<std::size_t>(R * 4)), expected = narrow;
      reference.columns(Columns<T>{wide.data(), expected.data(), ids.data(), R, 4, kWide, false},
                        queue);
      table.columns(Columns<T>{wide.data(), narrow.data(), ids.data(), R, 4, kWide, false}, queue);
      EXPECT_TRUE(same_bits(narrow, expected));
      std::vector<T> other = uniform<T>(R * kWide, 2);
      const std::vector<T> before = other;
      table.columns(Columns<T>{narrow.data(), other.data(), ids.data(), R, 4, kWide, true}, queue);
      for (std::size_t i = 0; i < other.size(); ++i) {
        const bool chosen = std::count(ids.begin(), ids.end(), static_cast<int>(i % kWide)) > 0;
        EXPECT_EQ(number(other[i]), number(chosen ? wide[i] : before[i]));
      }
      table.columns(Columns<T>{nullptr, other.data(), ids.data(), R, 4, kWide, true}, queue);
      EXPECT_EQ(number(other[69]), 0.0) << "no source means zeros";
      EXPECT_EQ(number(other[1]), number(before[1]));
    }
  });
}

TEST_P(ColumnsTest, SumsOfRepeatedColumnsGoInOrder) {
  typed([&]<class T>(T) {
    const std::vector<std::int32_t> ids = {3, 3, 0, 3, 69, 0};
    const std::vector<T> x = uniform<T>(9 * 6, 1);
    std::vector<Acc<T>> y = uniform<Acc<T>>(9 * kWide, 2), expected = y;
    reference.columns_add(ColumnsAdd<T>{x.data(), expected.data(), ids.data(), 9, 6, kWide}, queue);
    table.columns_add(ColumnsAdd<T>{x.data(), y.data(), ids.data(), 9, 6, kWide}, queue);
    EXPECT_TRUE(same_bits(y, expected));
  });
}

TEST_P(ColumnsTest, ScalesAndItsGradient) {
  typed([&]<class T>(T) {
    for (const Size s : sizes()) {
      const std::vector<T> x = uniform<T>(s.rows * s.columns, 1),
                           dy = uniform<T>(s.rows * s.columns, 2);
      const std::vector<Acc<T>> scale = uniform<Acc<T>>(s.columns, 3);
      for (const bool accumulate : {false, true}) {
        std::vector<T> y = uniform<T>(s.rows * s.columns, 4), expected = y;
        reference.scale_columns(
            ScaleColumns<T>{x.data(), scale.data(), expected.data(), s.rows, s.columns, accumulate},
            queue);
        table.scale_columns(
            ScaleColumns<T>{x.data(), scale.data(), y.data(), s.rows, s.columns, accumulate},
            queue);
        EXPECT_LE(distance(y, expected), tol(dtype, 1));
      }
      std::vector<Acc<T>> d = uniform<Acc<T>>(s.columns, 5), d_expected = d;
      std::vector<Acc<T>> partial(static_cast<std::size_t>(kScalePartials * s.columns));
      reference.scale_columns_grad(
          ScaleColumnsGrad<T>{dy.data(), x.data(), scale.data(), d_expected.data(), partial.data(),
                              s.rows, s.columns},
          queue);
      table.scale_columns_grad(ScaleColumnsGrad<T>{dy.data(), x.data(), scale.data(), d.data(),
                                                   partial.data(), s.rows, s.columns},
                               queue);
      EXPECT_LE(distance(d, d_expected), tol(DType::f32, s.rows));
    }
  });
}

/// Against the definition: the update is formed and its rows measured.
TEST_P(DoraTest, NormsOfTheUpdatedWeight) {
  typed([&]<class T>(T) {
    constexpr std::int64_t O = 19, I = 11, r = 3;
    constexpr double kScale = 1.5;
    const std::vector<T> w = uniform<T>(O * I, 1), a = uniform<T>(r * I, 2),
                         b = uniform<T>(O * r, 3);
    std::vector<Acc<T>> aw(r * O), aa(r * r), base(O), magnitude = uniform<Acc<T>>(O, 4);
    const auto at = [](const std::vector<T>& m, std::int64_t i) {
      return number(m[static_cast<std::size_t>(i)]);
    };
    for (std::int64_t k = 0; k < r; ++k) {
      for (std::int64_t o = 0; o < O; ++o)
        for (std::int64_t i = 0; i < I; ++i)
          aw[static_cast<std::size_t>(k * O + o)] +=
              static_cast<Acc<T>>(at(a, k * I + i) * at(w, o * I + i));
      for (std::int64_t l = 0; l < r; ++l)
        for (std::int64_t i = 0; i < I; ++i)
          aa[static_cast<std::size_t>(k * r + l)] +=
              static_cast<Acc<T>>(at(a, k * I + i) * at(a, l * I + i));
    }
    std::vector<double> norms;
    for (std::int64_t o = 0; o < O; ++o) {
      double sum = 0, own = 0;
      for (std::int64_t i = 0; i < I; ++i) {
        double x = at(w, o * I + i);
        own += x * x;
        for (std::int64_t k = 0; k < r; ++k) x += kScale * at(b, o * r + k) * at(a, k * I + i);
        sum += x * x;
      }
      base[static_cast<std::size_t>(o)] = static_cast<Acc<T>>(own);
      norms.push_back(std::sqrt(sum));
    }
    for (const KernelTable* t : {&reference, &table}) {
      std::vector<Acc<T>> factor(O), inverse(O);
      t->dora_factor(DoraFactor<T>{b.data(), aw.data(), aa.data(), base.data(), magnitude.data(),
                                   factor.data(), inverse.data(), O, r, kScale},
                     queue);
      for (std::size_t o = 0; o < norms.size(); ++o) {
        EXPECT_NEAR(static_cast<double>(inverse[o]) * norms[o], 1.0, 1e-5);
        EXPECT_NEAR(static_cast<double>(factor[o]) * norms[o], static_cast<double>(magnitude[o]),
                    1e-5);
      }
    }
  });
}

}  // namespace
}  // namespace axl::test
