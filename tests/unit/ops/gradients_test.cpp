// Every backward of ops against central differences in double.
#include "support/gradient_check.hpp"
#include "support/session.hpp"

namespace axl::test {
namespace {

using tensor::TensorView;

class OpsGradient : public ::testing::Test {
 protected:
  Bench bench{1 << 22};
  ops::Context ctx = bench.context();
};

TEST_F(OpsGradient, Matmul) {
  const DoubleTensor a(3, 4, 1), b(5, 4, 2), dc(3, 5, 3);
  DoubleTensor c(3, 5, 4), da(3, 4, 5), db(5, 4, 6);
  const auto f = [&] {
    ops::matmul(ctx, a, b, c, {.trans_b = true, .alpha = 0.5f});
    return dot(c, dc);
  };
  ops::matmul(ctx, dc, b, da, {.alpha = 0.5f});
  ops::matmul(ctx, dc, a, db, {.trans_a = true, .alpha = 0.5f});
  check_gradients(f, {checked("a", a, da), checked("b", b, db)});
}

TEST_F(OpsGradient, RmsNorm) {
  const DoubleTensor x(5, 9, 1), dy(5, 9, 3);
  const DoubleVector w(9, 2);
  DoubleTensor y(5, 9, 4), dx(5, 9, 6);
  DoubleVector rstd(5, 5), dw(9, 7, 0.0);
  const auto f = [&] {
    ops::rmsnorm(ctx, x, w, y, rstd, 1e-3);
    return dot(y, dy);
  };
  f();
  ops::rmsnorm_backward(ctx, x, w, rstd, dy, dx, dw, false);
  check_gradients(f, {checked("x", x, dx), checked("w", w, dw)});
}

TEST_F(OpsGradient, RmsNormAddsToWhatIsThere) {
  const DoubleTensor x(5, 9, 1), dy(5, 9, 3);
  const DoubleVector w(9, 2);
  DoubleTensor y(5, 9, 4), once(5, 9, 6), twice(5, 9, 6, 0.0);
  DoubleVector rstd(5, 5), dw(9, 7, 0.0), dw2(9, 8, 0.0);
  ops::rmsnorm(ctx, x, w, y, rstd, 1e-3);
  ops::rmsnorm_backward(ctx, x, w, rstd, dy, once, dw, false);
  for (int i = 0; i < 2; ++i) ops::rmsnorm_backward(ctx, x, w, rstd, dy, twice, dw2, true);
  for (std::size_t i = 0; i < 45; ++i) EXPECT_NEAR(twice.values[i], 2 * once.values[i], 1e-14);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(dw2.values[i], 2 * dw.values[i], 1e-14);
}

TEST_F(OpsGradient, Rope) {
  const std::vector<std::int32_t> positions = {0, 1, 2, 0, 5};
  const DoubleTensor x(5, 2 * 6, 1), dy(5, 2 * 6, 2);
  DoubleTensor cos(6, 3, 3), sin(6, 3, 4), y(5, 12, 5), dx(5, 12, 6);
  for (std::size_t i = 0; i < 18; ++i) {
    cos.values[i] = std::cos(0.3 * static_cast<double>(i));
    sin.values[i] = std::sin(0.3 * static_cast<double>(i));
  }
  const auto f = [&] {
    y.values = x.values;
    const TensorView rows(y.values.data(), DType::f64, {5, 12});
    ops::rope(ctx, ops::all_heads(rows, 2), positions.data(), cos, sin, false);
    double sum = 0;
    for (std::size_t i = 0; i < y.values.size(); ++i) sum += y.values[i] * dy.values[i];
    return sum;
  };
  std::copy(dy.values.begin(), dy.values.end(), dx.values.begin());
  ops::rope(ctx, ops::all_heads(dx, 2), positions.data(), cos, sin, true);
  check_gradients(f, {checked("x", x, dx)});
}

TEST_F(OpsGradient, LayerNorm) {
  const DoubleTensor x(5, 9, 1), dy(5, 9, 3);
  const DoubleVector w(9, 2), b(9, 8);
  DoubleTensor y(5, 9, 4), dx(5, 9, 6);
  DoubleVector mean(5, 5), rstd(5, 5), dw(9, 7, 0.0), db(9, 9, 0.0);
  const auto f = [&] {
    ops::layernorm(ctx, x, w, b, y, mean, rstd, 1e-3);
    return dot(y, dy);
  };
  f();
  ops::layernorm_backward(ctx, x, w, mean, rstd, dy, dx, dw, db, false);
  check_gradients(f, {checked("x", x, dx), checked("w", w, dw), checked("b", b, db)});
}

TEST_F(OpsGradient, RmsNormByOnePlusWeight) {
  const DoubleTensor x(5, 9, 1), dy(5, 9, 3);
  const DoubleVector w(9, 2);
  DoubleTensor y(5, 9, 4), dx(5, 9, 6);
  DoubleVector rstd(5, 5), dw(9, 7, 0.0);
  const auto f = [&] {
    ops::rmsnorm(ctx, x, w, y, rstd, 1e-3, 1.0);
    return dot(y, dy);
  };
  f();
  ops::rmsnorm_backward(ctx, x, w, rstd, dy, dx, dw, false, 1.0);
  check_gradients(f, {checked("x", x, dx), checked("w", w, dw)});
}

TEST_F(OpsGradient, Activations) {
  for (const auto act : {ops::Activation::silu, ops::Activation::gelu, ops::Activation::gelu_tanh,
                         ops::Activation::relu}) {
    const DoubleTensor g(4, 7, 1, 3), u(4, 7, 2, 2), dy(4, 7, 3);
    DoubleTensor y(4, 7, 4), dg(4, 7, 5), du(4, 7, 6), alone(4, 7, 7);
    const auto f = [&] {
      ops::activation(ctx, act, ops::gated(g, u), y);
      return dot(y, dy);
    };
    ops::activation_backward(ctx, act, ops::gated(g, u), dy, ops::gated(dg, du));
    check_gradients(f, {checked("g", g, dg), checked("u", u, du)});
    const auto without = [&] {
      ops::activation(ctx, act, ops::gated(g, {}), y);
      return dot(y, dy);
    };
    ops::activation_backward(ctx, act, ops::gated(g, {}), dy, ops::gated(alone, {}));
    check_gradients(without, {checked("g", g, alone)});
  }
}

struct Heads {
  std::int64_t q, kv, dim;
};

TEST_F(OpsGradient, Attention) {
  const std::vector<std::int32_t> cu = {0, 1, 6, 72};
  for (const Heads h : {Heads{2, 2, 4}, Heads{3, 1, 6}, Heads{8, 1, 2}}) {
    const std::int64_t T = cu.back();
    for (const auto& [window, softcap] : {std::pair{0, 0.0}, {5, 0.0}, {0, 1.5}, {65, 0.8}}) {
      const ops::AttentionShape shape{.cu_q = cu.data(),
                                      .cu_k = cu.data(),
                                      .docs = 3,
                                      .scale = 0.7,
                                      .window = window,
                                      .softcap = softcap};
      const DoubleTensor q(T, h.q * h.dim, 1, 2), k(T, h.kv * h.dim, 2, 2), v(T, h.kv * h.dim, 3),
          d_o(T, h.q * h.dim, 4);
      DoubleTensor o(T, h.q * h.dim, 5), lse(h.q, T, 6), dq(T, h.q * h.dim, 7),
          dk(T, h.kv * h.dim, 8), dv(T, h.kv * h.dim, 9);
      const auto f = [&] {
        ops::attention(ctx, shape, ops::all_heads(q, h.q), ops::all_heads(k, h.kv),
                       ops::all_heads(v, h.kv), o, lse);
        return dot(o, d_o);
      };
      f();
      ops::attention_backward(ctx, shape, ops::all_heads(q, h.q), ops::all_heads(k, h.kv),
                              ops::all_heads(v, h.kv), o, lse, d_o, ops::all_heads(dq, h.q),
                              ops::all_heads(dk, h.kv), ops::all_heads(dv, h.kv));
      check_gradients(f, {checked("q", q, dq), checked("k", k, dk), checked("v", v, dv)}, 1e-6, 40);
    }
  }
}

TEST_F(OpsGradient, CrossEntropy) {
  const std::vector<std::int32_t> targets = {0, 6, 3};
  const DoubleTensor logits(3, 7, 1, 3);
  DoubleTensor d(3, 7, 2);
  std::vector<double> loss(3);
  const auto f = [&] {
    ops::cross_entropy(ctx, logits, targets.data(), loss.data(), {}, DType::f64, 1.0);
    return 0.25 * (loss[0] + loss[1] + loss[2]);
  };
  ops::cross_entropy(ctx, logits, targets.data(), loss.data(), d, DType::f64, 0.25);
  check_gradients(f, {checked("logits", logits, d)});
}

TEST_F(OpsGradient, EmbeddingWithRepeatedTokens) {
  const std::vector<std::int32_t> ids = {2, 0, 2, 3};
  const DoubleTensor weights(5, 3, 1), dy(4, 3, 2);
  DoubleTensor y(4, 3, 3), d(5, 3, 4, 0.0);
  const auto f = [&] {
    ops::embedding(ctx, ids.data(), weights, y);
    return dot(y, dy);
  };
  ops::embedding_backward(ctx, ids.data(), dy, d);
  check_gradients(f, {checked("table", weights, d)});
  for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(d.values[3 + c], 0.0) << "token 1 does not occur";
}

TEST_F(OpsGradient, Bias) {
  const DoubleTensor x(40, 3, 1), dy(40, 3, 3);
  const DoubleVector bias(3, 2);
  DoubleTensor y(40, 3, 4);
  DoubleVector d(3, 5, 0.0);
  const auto f = [&] {
    ops::copy(ctx, x, y);
    ops::bias_add(ctx, y, bias);
    return dot(y, dy);
  };
  ops::bias_backward(ctx, dy, d);
  check_gradients(f, {checked("bias", bias, d)});
}

TEST_F(OpsGradient, DropoutIsItsOwnDerivative) {
  const DoubleTensor x(6, 8, 1), dy(6, 8, 2);
  DoubleTensor y(6, 8, 3), dx(6, 8, 4);
  const auto f = [&] {
    ops::dropout(ctx, x, y, 0.3, 77, false);
    return dot(y, dy);
  };
  ops::dropout(ctx, dy, dx, 0.3, 77, false);
  check_gradients(f, {checked("x", x, dx)});
}

TEST_F(OpsGradient, GatherAndScatterAreTransposed) {
  const std::vector<std::int32_t> rows = {3, 1};
  const DoubleTensor x(4, 5, 1), dy(2, 5, 2);
  DoubleTensor y(2, 5, 3), dx(4, 5, 4, 0.0);
  const auto f = [&] {
    ops::gather_rows(ctx, x, rows.data(), y);
    return dot(y, dy);
  };
  ops::scatter_rows(ctx, dy, rows.data(), dx);
  check_gradients(f, {checked("x", x, dx)});
}

TEST_F(OpsGradient, WorkspacesAreGivenBack) {
  const DoubleTensor x(5, 9, 1), dy(5, 9, 3);
  const DoubleVector w(9, 2);
  DoubleTensor y(5, 9, 4);
  DoubleVector rstd(5, 5), dw(9, 7);
  const std::int64_t before = bench.arena.mark();
  ops::rmsnorm(ctx, x, w, y, rstd, 1e-3);
  ops::rmsnorm_backward(ctx, x, w, rstd, dy, y, dw, false);
  ops::bias_backward(ctx, dy, dw);
  EXPECT_EQ(bench.arena.mark(), before);
  EXPECT_GT(bench.arena.peak(), before);
}

}  // namespace
}  // namespace axl::test
