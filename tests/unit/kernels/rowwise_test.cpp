// RMSNorm, rotary embedding and SwiGLU against their definitions.
#include "kernel_testing.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

class RmsNorm : public KernelTest {};
AXL_EVERY_BACKEND(RmsNorm);
class Rotary : public KernelTest {};
AXL_EVERY_BACKEND(Rotary);
class Swiglu : public KernelTest {};
AXL_EVERY_BACKEND(Swiglu);

template <class T>
struct NormData {
  Size s;
  std::vector<T> x, w, dy;
  std::vector<Acc<T>> rstd;
  explicit NormData(Size size)
      : s(size),
        x(uniform<T>(s.rows * s.columns, 1)),
        w(uniform<T>(s.columns, 2)),
        dy(uniform<T>(s.rows * s.columns, 3)),
        rstd(static_cast<std::size_t>(s.rows)) {}
  RmsNormFwd<T> forward(T* y, Acc<T>* r) const {
    return {x.data(), w.data(), y, r, s.rows, s.columns, 1e-6};
  }
};

TEST_P(RmsNorm, ForwardIsTheDefinition) {
  typed([&]<class T>(T) {
    for (const Size s : sizes()) {
      NormData<T> n(s);
      std::vector<T> y(n.x.size()), expected(n.x.size());
      std::vector<Acc<T>> rstd(n.rstd);
      reference.rmsnorm_fwd(n.forward(expected.data(), n.rstd.data()), queue);
      table.rmsnorm_fwd(n.forward(y.data(), rstd.data()), queue);
      EXPECT_LE(distance(y, expected), tol(dtype, s.columns)) << s.rows << "x" << s.columns;
      EXPECT_LE(distance(rstd, n.rstd), tol(dtype_of<Acc<T>>(), s.columns));
    }
  });
}

TEST_P(RmsNorm, ForwardMayWriteOverItsInputAndSkipRstd) {
  typed([&]<class T>(T) {
    NormData<T> n({17, 64});
    std::vector<T> apart(n.x.size()), over = n.x;
    table.rmsnorm_fwd(n.forward(apart.data(), n.rstd.data()), queue);
    table.rmsnorm_fwd(RmsNormFwd<T>{over.data(), n.w.data(), over.data(), nullptr, 17, 64, 1e-6},
                      queue);
    EXPECT_TRUE(same_bits(apart, over));
  });
}

TEST_P(RmsNorm, BackwardIsTheDefinition) {
  typed([&]<class T>(T) {
    using A = Acc<T>;
    for (const Size s : sizes())
      for (const bool accumulate : {false, true}) {
        NormData<T> n(s);
        reference.rmsnorm_fwd(n.forward(std::vector<T>(n.x.size()).data(), n.rstd.data()), queue);
        const std::vector<T> before = uniform<T>(s.rows * s.columns, 4);
        std::vector<A> partial(static_cast<std::size_t>(kRmsNormPartials * s.columns));
        const auto run = [&](const KernelTable& t, std::vector<T>& dx, std::vector<A>& dw) {
          t.rmsnorm_bwd(RmsNormBwd<T>{n.x.data(), n.w.data(), n.rstd.data(), n.dy.data(), dx.data(),
                                      dw.data(), partial.data(), s.rows, s.columns, accumulate},
                        queue);
        };
        std::vector<T> dx = before, dx_expected = before, dx_again = before;
        std::vector<A> dw = uniform<A>(s.columns, 5), dw_expected = dw, dw_again = dw;
        run(reference, dx_expected, dw_expected);
        run(table, dx, dw);
        run(table, dx_again, dw_again);
        // The norm of a single channel has no gradient but rounding.
        if (s.columns > 1) {
          EXPECT_LE(distance(dx, dx_expected), 4 * tol(dtype, s.columns))
              << s.rows << "x" << s.columns;
        }
        EXPECT_LE(distance(dw, dw_expected), tol(dtype_of<A>(), s.rows + 32));
        EXPECT_TRUE(same_bits(dx, dx_again) && same_bits(dw, dw_again));
      }
  });
}

TEST_P(RmsNorm, BackwardMayWriteOverDyAndSkipTheWeight) {
  typed([&]<class T>(T) {
    NormData<T> n({17, 64});
    table.rmsnorm_fwd(n.forward(std::vector<T>(n.x.size()).data(), n.rstd.data()), queue);
    std::vector<T> apart(n.x.size()), over = n.dy;
    const auto run = [&](const T* dy, T* dx) {
      table.rmsnorm_bwd(RmsNormBwd<T>{n.x.data(), n.w.data(), n.rstd.data(), dy, dx, nullptr,
                                      nullptr, 17, 64, false},
                        queue);
    };
    run(n.dy.data(), apart.data());
    run(over.data(), over.data());
    EXPECT_TRUE(same_bits(apart, over));
  });
}

TEST_P(RmsNorm, NanStaysInItsRow) {
  typed([&]<class T>(T) {
    NormData<T> n({3, 64});
    n.x[70] = value<T>(std::nan(""));
    std::vector<T> y(n.x.size());
    table.rmsnorm_fwd(n.forward(y.data(), n.rstd.data()), queue);
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(std::isnan(number(y[i])), i / 64 == 1);
  });
}

TEST_P(RmsNorm, ZerosStayZero) {
  typed([&]<class T>(T) {
    NormData<T> n({2, 8});
    std::fill(n.x.begin(), n.x.end(), T(0));
    std::vector<T> y(n.x.size(), T(1));
    table.rmsnorm_fwd(n.forward(y.data(), n.rstd.data()), queue);
    for (const T v : y) EXPECT_EQ(number(v), 0.0);
    EXPECT_NEAR(number(n.rstd[0]), 1000.0, 0.1);
  });
}

template <class T>
struct RopeData {
  std::int64_t T_ = 9, H = 3, D = 16, stride = 3 * 16 + 5;
  std::vector<std::int32_t> positions = {0, 1, 2, 3, 0, 1, 7, 30, 31};
  std::vector<Acc<T>> cos, sin;
  RopeData() {
    for (std::int64_t p = 0; p < 32; ++p)
      for (std::int64_t i = 0; i < D / 2; ++i) {
        const double angle =
            static_cast<double>(p) * std::pow(10000.0, -2.0 * static_cast<double>(i) / 16.0);
        cos.push_back(static_cast<Acc<T>>(std::cos(angle)));
        sin.push_back(static_cast<Acc<T>>(std::sin(angle)));
      }
  }
  Rope<T> args(std::vector<T>& x, bool inverse) const {
    return {x.data(), positions.data(), cos.data(), sin.data(), T_, H, D, stride, inverse};
  }
};

TEST_P(Rotary, RotatesAsDefinedAndLeavesTheGapsAlone) {
  typed([&]<class T>(T) {
    const RopeData<T> r;
    for (const bool inverse : {false, true}) {
      std::vector<T> x = uniform<T>(r.T_ * r.stride, 1), expected = x, again = x;
      const std::vector<T> before = x;
      reference.rope(r.args(expected, inverse), queue);
      table.rope(r.args(x, inverse), queue);
      table.rope(r.args(again, inverse), queue);
      EXPECT_LE(distance(x, expected), tol(dtype, 2));
      EXPECT_TRUE(same_bits(x, again));
      for (std::int64_t t = 0; t < r.T_; ++t)
        for (std::int64_t c = r.H * r.D; c < r.stride; ++c) {
          const auto at = static_cast<std::size_t>(t * r.stride + c);
          EXPECT_EQ(number(x[at]), number(before[at]));
        }
    }
  });
}

TEST_P(Rotary, InverseUndoes) {
  typed([&]<class T>(T) {
    const RopeData<T> r;
    std::vector<T> x = uniform<T>(r.T_ * r.stride, 2);
    const std::vector<T> before = x;
    table.rope(r.args(x, false), queue);
    EXPECT_GT(distance(x, before), 0.1);
    table.rope(r.args(x, true), queue);
    EXPECT_LE(distance(x, before), 2 * tol(dtype, 4));
  });
}

TEST_P(Rotary, PositionZeroChangesNothing) {
  typed([&]<class T>(T) {
    RopeData<T> r;
    std::fill(r.positions.begin(), r.positions.end(), 0);
    std::vector<T> x = uniform<T>(r.T_ * r.stride, 3);
    const std::vector<T> before = x;
    table.rope(r.args(x, false), queue);
    EXPECT_EQ(distance(x, before), 0.0);
  });
}

TEST_P(Swiglu, ForwardIsTheDefinition) {
  typed([&]<class T>(T) {
    for (const std::int64_t n : {1, 7, 64, 8191, 8192, 8193, 20000}) {
      const std::vector<T> g = uniform<T>(n, 1, 30), u = uniform<T>(n, 2, 3);
      std::vector<T> y(g.size()), expected(g.size()), over = g;
      reference.swiglu_fwd(SwigluFwd<T>{g.data(), u.data(), expected.data(), n}, queue);
      table.swiglu_fwd(SwigluFwd<T>{g.data(), u.data(), y.data(), n}, queue);
      table.swiglu_fwd(SwigluFwd<T>{over.data(), u.data(), over.data(), n}, queue);
      EXPECT_LE(distance(y, expected), tol(dtype, 4)) << n;
      EXPECT_TRUE(same_bits(y, over)) << n;
    }
  });
}

TEST_P(Swiglu, BackwardIsTheDefinitionAlsoInPlace) {
  typed([&]<class T>(T) {
    for (const std::int64_t n : {1, 7, 64, 8193}) {
      const std::vector<T> g = uniform<T>(n, 1, 20), u = uniform<T>(n, 2, 3), dy = uniform<T>(n, 3);
      std::vector<T> dg(g), du(u), dg_expected(g), du_expected(u);
      reference.swiglu_bwd(
          SwigluBwd<T>{g.data(), u.data(), dy.data(), dg_expected.data(), du_expected.data(), n},
          queue);
      table.swiglu_bwd(SwigluBwd<T>{dg.data(), du.data(), dy.data(), dg.data(), du.data(), n},
                       queue);
      EXPECT_LE(distance(dg, dg_expected), 2 * tol(dtype, 4)) << n;
      EXPECT_LE(distance(du, du_expected), 2 * tol(dtype, 4)) << n;
    }
  });
}

TEST_P(Swiglu, SaturatesWithoutOverflow) {
  typed([&]<class T>(T) {
    const std::vector<T> g = {value<T>(-1e4), value<T>(-200), value<T>(200), value<T>(1e4)};
    const std::vector<T> u(4, value<T>(1.0)), dy(4, value<T>(1.0));
    std::vector<T> y(4), dg(4), du(4);
    table.swiglu_fwd(SwigluFwd<T>{g.data(), u.data(), y.data(), 4}, queue);
    table.swiglu_bwd(SwigluBwd<T>{g.data(), u.data(), dy.data(), dg.data(), du.data(), 4}, queue);
    EXPECT_NEAR(number(y[0]), 0.0, 1e-30);
    EXPECT_NEAR(number(y[1]), 0.0, 1e-30);
    EXPECT_EQ(number(y[2]), number(g[2]));
    EXPECT_EQ(number(y[3]), number(g[3]));
    EXPECT_NEAR(number(dg[0]), 0.0, 1e-30);
    EXPECT_NEAR(number(dg[3]), 1.0, 1e-6);
  });
}

TEST_P(Swiglu, NanStaysInItsElement) {
  typed([&]<class T>(T) {
    std::vector<T> g = uniform<T>(40, 1), u = uniform<T>(40, 2), y(40);
    g[3] = value<T>(std::nan(""));
    u[21] = value<T>(std::nan(""));
    table.swiglu_fwd(SwigluFwd<T>{g.data(), u.data(), y.data(), 40}, queue);
    for (std::size_t i = 0; i < 40; ++i)
      EXPECT_EQ(std::isnan(number(y[i])), i == 3 || i == 21) << i;
  });
}

/// e^-g is taken out of silu(g) = g / (1 + e^-g): an error of d in it moves silu by at most d.
TEST(Exponential, IsAccurateOverTheRangeOfSwiglu) {
  const KernelTable table = kokkos_table();
  std::vector<float> g, u, y;
  for (int i = -8600; i <= 8600; ++i)
    if (i != 0) g.push_back(static_cast<float>(i) * 0.01f);
  u.assign(g.size(), 1.0f);
  y.resize(g.size());
  table.swiglu_fwd(
      SwigluFwd<float>{g.data(), u.data(), y.data(), static_cast<std::int64_t>(g.size())},
      session().queue());
  double worst = 0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    const double x = static_cast<double>(g[i]), exact = x / (1.0 + std::exp(-x));
    worst = std::max(worst, std::abs(static_cast<double>(y[i]) / exact - 1.0));
  }
  std::printf("silu: worst relative error %.2e\n", worst);
  EXPECT_LE(worst, 5e-7);
}

}  // namespace
}  // namespace axl::test
