// A Linear and its adapters: gradients in double, and what must not change.
#include "adapter/linear.hpp"

#include <cstring>

#include "support/gradient_check.hpp"
#include "support/session.hpp"

namespace axl::test {
namespace {

using adapter::Linear;
using tensor::TensorView;

constexpr std::int64_t kTokens = 6, kIn = 7, kOut = 5, kRank = 3;

struct What {
  bool weight = false, bias = false, lora = false;
  double dropout = 0.0;
  bool dora = false;
};

/// A Linear in double whose trained parts lie in a table, filled with random numbers.
struct Case {
  Bench bench{1 << 20};
  ops::Context ctx = bench.context();
  tensor::ParameterTable table{DType::f64};
  DoubleTensor frozen{kOut, kIn, 1};
  DoubleVector frozen_bias{kOut, 2};
  DoubleTensor x{kTokens, kIn, 3}, dy{kTokens, kOut, 4}, y{kTokens, kOut, 5}, dx{kTokens, kIn, 6};
  DoubleVector base_norms{kOut, 7}, factor{kOut, 8}, inverse_norm{kOut, 9};
  Linear linear;
  Linear::Saved saved;
  std::uint64_t key = 0;

  explicit Case(What w) : key(w.dropout > 0 ? 4711 : 0) {
    linear.name = "test";
    linear.in = kIn;
    linear.out = kOut;
    if (w.weight) linear.trained_weight = &table.add("weight", {kOut, kIn}, tensor::Role::matrix);
    if (w.bias) linear.trained_bias = &table.add("bias", {kOut}, tensor::Role::bias);
    if (w.lora) {
      adapter::Lora lora;
      lora.a = &table.add("lora_A", {kRank, kIn}, tensor::Role::lora_a);
      lora.b = &table.add("lora_B", {kOut, kRank}, tensor::Role::lora_b);
      lora.scale = 2.0f;
      lora.dropout = w.dropout;
      if (w.dora) {
        lora.dora = adapter::Dora{&table.add("magnitude", {kOut}, tensor::Role::magnitude),
                                  base_norms, factor, inverse_norm};
        for (std::int64_t o = 0; o < kOut; ++o) {
          const TensorView row = frozen.view.rows(o, 1);
          base_norms.values[static_cast<std::size_t>(o)] = dot(row, row);
        }
      }
      linear.lora = lora;
    }
    table.finish();
    std::uint64_t seed = 20;
    for (tensor::Parameter& p : table.all()) {
      const auto values = random_doubles(p.elements(), seed++);
      std::copy(values.begin(), values.end(), p.master.as<double>());
    }
    linear.weight = quant::plain_matrix(w.weight ? linear.trained_weight->value : frozen.view);
    linear.bias = w.bias ? linear.trained_bias->value : frozen_bias.view;
    linear.refresh(ctx);
    saved = linear.allocate_saved(bench.arena, DType::f64, kTokens);
  }
  double loss() {
    linear.forward(ctx, x, y, false, saved, key);
    return dot(y, dy);
  }
  void check() {
    loss();
    table.zero_grad();
    const std::int64_t before = bench.arena.mark();
    linear.backward(ctx, x, saved, dy, dx, false);
    EXPECT_EQ(bench.arena.mark(), before);
    std::vector<Checked> arrays = {checked("x", x, dx)};
    for (const tensor::Parameter& p : table.all())
      arrays.push_back(checked(p.name, p.master, p.grad));
    check_gradients([&] { return loss(); }, arrays);
  }
};

TEST(LinearGradient, Frozen) { Case({}).check(); }
TEST(LinearGradient, Weight) { Case({.weight = true}).check(); }
TEST(LinearGradient, WeightAndBias) { Case({.weight = true, .bias = true}).check(); }
TEST(LinearGradient, Lora) { Case({.lora = true}).check(); }
TEST(LinearGradient, LoraAndBias) { Case({.bias = true, .lora = true}).check(); }
TEST(LinearGradient, LoraWithDropout) { Case({.lora = true, .dropout = 0.4}).check(); }
TEST(LinearGradient, LoraOnATrainedWeight) {
  Case({.weight = true, .bias = true, .lora = true, .dropout = 0.2}).check();
}

/// The norm is not differentiated through: A, B and x are checked with the factor as it is.
TEST(LinearGradient, Dora) {
  for (const double dropout : {0.0, 0.4}) {
    Case c({.bias = true, .lora = true, .dropout = dropout, .dora = true});
    c.loss();
    c.linear.backward(c.ctx, c.x, c.saved, c.dy, c.dx, false);
    std::vector<Checked> arrays = {checked("x", c.x, c.dx)}, magnitude;
    for (const tensor::Parameter& p : c.table.all())
      (p.name == "magnitude" ? magnitude : arrays).push_back(checked(p.name, p.master, p.grad));
    check_gradients([&] { return c.loss(); }, arrays);
    const auto renewed = [&] {
      c.linear.refresh(c.ctx);
      return c.loss();
    };
    check_gradients(renewed, magnitude);
  }
}

TEST(Linear, DoraWhoseMagnitudeIsTheNormIsLora) {
  Case lora({.lora = true}), dora({.lora = true, .dora = true});
  for (std::size_t o = 0; o < kOut; ++o) {
    double& m = dora.linear.lora->dora->magnitude->master.as<double>()[o];
    m = 1.0 / dora.inverse_norm.values[o];
  }
  dora.linear.refresh(dora.ctx);
  lora.loss();
  dora.loss();
  for (std::size_t i = 0; i < lora.y.values.size(); ++i)
    EXPECT_NEAR(dora.y.values[i], lora.y.values[i], 1e-13);
}

TEST(Linear, GradientsAreAddedTo) {
  Case c({.weight = true, .bias = true, .lora = true, .dropout = 0.3});
  c.loss();
  c.linear.backward(c.ctx, c.x, c.saved, c.dy, c.dx, false);
  std::vector<std::vector<double>> once;
  for (const tensor::Parameter& p : c.table.all())
    once.emplace_back(p.grad.as<double>(), p.grad.as<double>() + p.elements());
  const std::vector<double> dx = c.dx.values;
  c.linear.backward(c.ctx, c.x, c.saved, c.dy, c.dx, true);
  for (std::size_t i = 0; i < dx.size(); ++i) EXPECT_NEAR(c.dx.values[i], 2 * dx[i], 1e-13);
  std::size_t n = 0;
  for (const tensor::Parameter& p : c.table.all()) {
    for (std::size_t i = 0; i < once[n].size(); ++i)
      EXPECT_NEAR(p.grad.as<double>()[i], 2 * once[n][i], 1e-13) << p.name;
    ++n;
  }
}

TEST(Linear, GradientOfXMayBeLeftOut) {
  Case c({.lora = true, .dropout = 0.3});
  c.loss();
  c.linear.backward(c.ctx, c.x, c.saved, c.dy, c.dx, false);
  const double* g = c.linear.lora->a->grad.as<double>();
  const std::vector<double> with(g, g + kRank * kIn);
  c.table.zero_grad();
  c.linear.backward(c.ctx, c.x, c.saved, c.dy, {}, false);
  EXPECT_EQ(std::vector<double>(g, g + kRank * kIn), with);
}

TEST(Linear, ForwardCanAddToY) {
  Case c({.lora = true});
  c.loss();
  const std::vector<double> y = c.y.values;
  c.linear.forward(c.ctx, c.x, c.y, true, c.saved, 0);
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(c.y.values[i], 2 * y[i], 1e-13);
}

TEST(Linear, AnAdapterWhoseBIsZeroChangesNothing) {
  Case base({}), adapted({.lora = true});
  std::memset(adapted.linear.lora->b->master.data(), 0,
              static_cast<std::size_t>(adapted.linear.lora->b->master.bytes()));
  base.loss();
  adapted.loss();
  EXPECT_EQ(base.y.values, adapted.y.values);
}

TEST(Linear, DropoutIsOffInEvaluation) {
  Case with({.lora = true, .dropout = 0.5}), without({.lora = true});
  with.key = 0;
  with.loss();
  without.loss();
  EXPECT_EQ(with.y.values, without.y.values);
  with.key = 4711;
  with.loss();
  EXPECT_NE(with.y.values, without.y.values);
}

TEST(Linear, KnowsWhatItTrains) {
  EXPECT_FALSE(Case({}).linear.trains_anything());
  EXPECT_TRUE(Case({.weight = true}).linear.trains_anything());
  EXPECT_TRUE(Case({.bias = true}).linear.trains_anything());
  EXPECT_TRUE(Case({.lora = true}).linear.trains_anything());
}

}  // namespace
}  // namespace axl::test
