// RMSNorm, LayerNorm, rotary embedding and activations against their definitions.
#include "kernel_testing.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

class RmsNorm : public KernelTest {};
AXL_EVERY_BACKEND(RmsNorm);
class Rotary : public KernelTest {};
AXL_EVERY_BACKEND(Rotary);
class LayerNorm : public KernelTest {};
AXL_EVERY_BACKEND(LayerNorm);
class Gated : public KernelTest {};
AXL_EVERY_BACKEND(Gated);

constexpr Activation kActivations[] = {Activation::silu, Activation::gelu, Activation::gelu_tanh,
                                       Activation::relu};

/// Inputs up to where the tail of the activation is a number of every type.
double reach(Activation act) { return act == Activation::silu ? 30 : 4; }

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
    return {x.data(), positions.data(), cos.data(), sin.data(), T_, H, D, stride, D, inverse};
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

TEST_P(Gated, ForwardIsTheDefinition) {
  typed([&]<class T>(T) {
    for (const Activation act : kActivations)
      for (const std::int64_t n : {1, 7, 64, 8191, 8192, 8193, 20000}) {
        const std::vector<T> g = uniform<T>(n, 1, reach(act)), u = uniform<T>(n, 2, 3);
        std::vector<T> y(g.size()), expected(g.size()), over = g;
        reference.activation_fwd(
            ActivationFwd<T>{g.data(), u.data(), expected.data(), 1, n, n, act}, queue);
        table.activation_fwd(ActivationFwd<T>{g.data(), u.data(), y.data(), 1, n, n, act}, queue);
        table.activation_fwd(ActivationFwd<T>{over.data(), u.data(), over.data(), 1, n, n, act},
                             queue);
        EXPECT_LE(distance(y, expected), tol(dtype, 4)) << n;
        EXPECT_TRUE(same_bits(y, over)) << n;
      }
  });
}

TEST_P(Gated, BackwardIsTheDefinitionAlsoInPlace) {
  typed([&]<class T>(T) {
    for (const Activation act : kActivations)
      for (const std::int64_t n : {1, 7, 64, 8193}) {
        const std::vector<T> g = uniform<T>(n, 1, reach(act)), u = uniform<T>(n, 2, 3),
                             dy = uniform<T>(n, 3);
        std::vector<T> dg(g), du(u), dg_expected(g), du_expected(u);
        reference.activation_bwd(ActivationBwd<T>{g.data(), u.data(), dy.data(), dg_expected.data(),
                                                  du_expected.data(), 1, n, n, act},
                                 queue);
        table.activation_bwd(
            ActivationBwd<T>{dg.data(), du.data(), dy.data(), dg.data(), du.data(), 1, n, n, act},
            queue);
        EXPECT_LE(distance(dg, dg_expected), 2 * tol(dtype, 4)) << n;
        EXPECT_LE(distance(du, du_expected), 2 * tol(dtype, 4)) << n;
      }
  });
}

TEST_P(Gated, SaturatesWithoutOverflow) {
  typed([&]<class T>(T) {
    for (const Activation act : kActivations) {
      const std::vector<T> g = {value<T>(-1e4), value<T>(-200), value<T>(200), value<T>(1e4)};
      const std::vector<T> u(4, value<T>(1.0)), dy(4, value<T>(1.0));
      std::vector<T> y(4), dg(4), du(4);
      table.activation_fwd(ActivationFwd<T>{g.data(), u.data(), y.data(), 1, 4, 4, act}, queue);
      table.activation_bwd(
          ActivationBwd<T>{g.data(), u.data(), dy.data(), dg.data(), du.data(), 1, 4, 4, act},
          queue);
      EXPECT_NEAR(number(y[0]), 0.0, 1e-30);
      EXPECT_NEAR(number(y[1]), 0.0, 1e-30);
      EXPECT_EQ(number(y[2]), number(g[2]));
      EXPECT_EQ(number(y[3]), number(g[3]));
      EXPECT_NEAR(number(dg[0]), 0.0, 1e-20);
      EXPECT_NEAR(number(dg[3]), 1.0, 1e-6);
    }
  });
}

TEST_P(Gated, NanStaysInItsElement) {
  typed([&]<class T>(T) {
    std::vector<T> g = uniform<T>(40, 1), u = uniform<T>(40, 2), y(40);
    const Activation act = Activation::silu;
    g[3] = value<T>(std::nan(""));
    u[21] = value<T>(std::nan(""));
    table.activation_fwd(ActivationFwd<T>{g.data(), u.data(), y.data(), 1, 40, 40, act}, queue);
    for (std::size_t i = 0; i < 40; ++i)
      EXPECT_EQ(std::isnan(number(y[i])), i == 3 || i == 21) << i;
  });
}

/// Without a gate, and with gate and up as the halves of every row.
TEST_P(Gated, AloneAndInHalves) {
  typed([&]<class T>(T) {
    for (const Activation act : kActivations)
      for (const Size s : sizes()) {
        const std::int64_t n = s.rows * s.columns;
        const std::vector<T> gu = uniform<T>(2 * n, 1, 4), dy = uniform<T>(n, 2);
        std::vector<T> y(static_cast<std::size_t>(n)), expected(y), d(gu), d_expected(gu);
        const auto run = [&](const KernelTable& t, const T* u, std::vector<T>& out,
                             std::vector<T>& gradient) {
          const T* half = u != nullptr ? gu.data() + s.columns : nullptr;
          t.activation_fwd(
              ActivationFwd<T>{gu.data(), half, out.data(), s.rows, s.columns, 2 * s.columns, act},
              queue);
          t.activation_bwd(ActivationBwd<T>{gu.data(), half, dy.data(), gradient.data(),
                                            half != nullptr ? gradient.data() + s.columns : nullptr,
                                            s.rows, s.columns, 2 * s.columns, act},
                           queue);
        };
        for (const T* u : {static_cast<const T*>(nullptr), gu.data()}) {
          run(reference, u, expected, d_expected);
          run(table, u, y, d);
          EXPECT_LE(distance(y, expected), 2 * tol(dtype, 4)) << s.rows << "x" << s.columns;
          EXPECT_LE(distance(d, d_expected), 4 * tol(dtype, 4)) << s.rows << "x" << s.columns;
        }
      }
  });
}

TEST_P(RmsNorm, MayAddOneToItsWeight) {
  typed([&]<class T>(T) {
    NormData<T> n({17, 65});
    std::vector<T> y(n.x.size()), expected(n.x.size()), dx(n.x.size()), dx_expected(n.x.size());
    RmsNormFwd<T> forward = n.forward(expected.data(), n.rstd.data());
    forward.offset = 1.0;
    reference.rmsnorm_fwd(forward, queue);
    forward.y = y.data();
    table.rmsnorm_fwd(forward, queue);
    EXPECT_LE(distance(y, expected), tol(dtype, 65));
    RmsNormBwd<T> backward{
        n.x.data(), n.w.data(), n.rstd.data(), n.dy.data(), dx_expected.data(), nullptr, nullptr,
        17,         65,         false,         1.0};
    reference.rmsnorm_bwd(backward, queue);
    backward.dx = dx.data();
    table.rmsnorm_bwd(backward, queue);
    EXPECT_LE(distance(dx, dx_expected), 4 * tol(dtype, 65));
  });
}

TEST_P(LayerNorm, IsTheDefinition) {
  typed([&]<class T>(T) {
    using A = Acc<T>;
    for (const Size s : sizes()) {
      if (s.columns == 1) continue;  // x - mean is rounding alone
      const std::int64_t n = s.rows * s.columns;
      const std::vector<T> x = uniform<T>(n, 1), w = uniform<T>(s.columns, 2),
                           b = uniform<T>(s.columns, 3), dy = uniform<T>(n, 4);
      struct Result {
        std::vector<T> y, dx;
        std::vector<A> mean, rstd, dw, db;
      };
      const auto run = [&](const KernelTable& t) {
        const auto columns = static_cast<std::size_t>(s.columns);
        Result r{std::vector<T>(x.size()),
                 uniform<T>(n, 5),
                 std::vector<A>(static_cast<std::size_t>(s.rows)),
                 std::vector<A>(static_cast<std::size_t>(s.rows)),
                 std::vector<A>(columns, A(1)),
                 std::vector<A>(columns, A(2))};
        std::vector<A> partial(2 * kLayerNormPartials * columns);
        t.layernorm_fwd(LayerNormFwd<T>{x.data(), w.data(), b.data(), r.y.data(), r.mean.data(),
                                        r.rstd.data(), s.rows, s.columns, 1e-5},
                        queue);
        t.layernorm_bwd(LayerNormBwd<T>{x.data(), w.data(), r.mean.data(), r.rstd.data(), dy.data(),
                                        r.dx.data(), r.dw.data(), r.db.data(), partial.data(),
                                        s.rows, s.columns, true},
                        queue);
        return r;
      };
      const Result expected = run(reference), r = run(table), again = run(table);
      const double bound = 8 * tol(dtype, s.columns);
      const double sums = 8 * tol(dtype_of<A>(), s.rows + s.columns);
      EXPECT_LE(distance(r.y, expected.y), bound) << s.rows << "x" << s.columns;
      EXPECT_LE(distance(r.dx, expected.dx), bound) << s.rows << "x" << s.columns;
      EXPECT_LE(distance(r.mean, expected.mean), sums);
      EXPECT_LE(distance(r.dw, expected.dw), sums) << s.rows << "x" << s.columns;
      EXPECT_LE(distance(r.db, expected.db), sums);
      EXPECT_TRUE(same_bits(r.dx, again.dx) && same_bits(r.dw, again.dw));
    }
  });
}

/// e^-g is taken out of silu(g) = g / (1 + e^-g): an error of d in it moves silu by at most d.
TEST(Exponential, IsAccurateOverTheRangeOfSwiglu) {
  const KernelTable table = kokkos_table();
  const Activation act = Activation::silu;
  std::vector<float> g, u, y;
  for (int i = -8600; i <= 8600; ++i)
    if (i != 0) g.push_back(static_cast<float>(i) * 0.01f);
  u.assign(g.size(), 1.0f);
  y.resize(g.size());
  table.activation_fwd(
      ActivationFwd<float>{g.data(), u.data(), y.data(), 1, static_cast<std::int64_t>(g.size()),
                           static_cast<std::int64_t>(g.size()), act},
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
