// A Linear and its adapters: gradients in double, and what must not change.
#include "adapter/linear.hpp"

#include <cmath>
#include <cstring>

#include "adapter/ia3.hpp"
#include "adapter/lora.hpp"
#include "adapter/vera.hpp"
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
  bool ia3 = false, feedforward = false;
  bool vera = false;
};

/// A Linear in double whose trained parts lie in a table, filled with random numbers.
struct Case {
  Bench bench{1 << 20};
  ops::Context ctx = bench.context();
  tensor::ParameterTable table{DType::f64};
  DoubleTensor frozen{kOut, kIn, 1};
  DoubleVector frozen_bias{kOut, 2};
  DoubleTensor x{kTokens, kIn, 3}, dy{kTokens, kOut, 4}, y{kTokens, kOut, 5}, dx{kTokens, kIn, 6};
  std::vector<double> derived = std::vector<double>(3 * kOut);
  DoubleTensor vera_a{kRank, kIn, 10}, vera_b{kOut, kRank, 11};
  adapter::Lora* lora = nullptr;
  tensor::Parameter* magnitude = nullptr;
  Linear linear;
  Linear::Saved saved;
  std::uint64_t key = 0;

  explicit Case(What w) : key(w.dropout > 0 ? 4711 : 0) {
    linear.name = "test";
    linear.in = kIn;
    linear.out = kOut;
    if (w.weight) linear.trained_weight = &table.add("weight", {kOut, kIn}, tensor::Role::matrix);
    if (w.bias) linear.trained_bias = &table.add("bias", {kOut}, tensor::Role::bias);
    if (w.lora) put_lora(w);
    if (w.ia3) {
      const auto shape =
          w.feedforward ? std::vector<std::int64_t>{1, kIn} : std::vector<std::int64_t>{kOut, 1};
      linear.adapters.push_back(std::make_unique<adapter::Ia3>(
          &table.add("ia3_l", shape, tensor::Role::scale), w.feedforward));
    }
    if (w.vera) {
      auto vera = std::make_unique<adapter::Vera>();
      vera->lambda_d = &table.add("vera_lambda_d", {kRank}, tensor::Role::scale);
      vera->lambda_b = &table.add("vera_lambda_b", {kOut}, tensor::Role::scale);
      vera->a = vera_a.view;
      vera->b = vera_b.view;
      vera->dropout = w.dropout;
      linear.adapters.push_back(std::move(vera));
    }
    table.finish();
    std::uint64_t seed = 20;
    for (tensor::Parameter& p : table.all()) {
      const auto values = random_doubles(p.elements(), seed++);
      std::copy(values.begin(), values.end(), p.master.as<double>());
    }
    linear.weight = quant::plain_matrix(w.weight ? linear.trained_weight->value : frozen.view);
    linear.bias = w.bias ? linear.trained_bias->value : frozen_bias.view;
    for (const auto& adapter : linear.adapters) {
      if (adapter->derived_elements() == 0) continue;
      adapter->place_derived(
          {derived.data(), DType::f64, {static_cast<std::int64_t>(derived.size())}});
      const std::vector<double> random = values_of(magnitude);
      adapter->begin(ctx, linear.weight);
      std::copy(random.begin(), random.end(), magnitude->master.as<double>());
    }
    linear.refresh(ctx);
    saved = linear.allocate_saved(bench.arena, DType::f64, kTokens);
  }
  void put_lora(What w) {
    auto made = std::make_unique<adapter::Lora>();
    lora = made.get();
    lora->a = &table.add("lora_A", {kRank, kIn}, tensor::Role::lora_a);
    lora->b = &table.add("lora_B", {kOut, kRank}, tensor::Role::lora_b);
    lora->scale = 2.0f;
    lora->dropout = w.dropout;
    linear.adapters.push_back(std::move(made));
    if (!w.dora) return;
    magnitude = &table.add("magnitude", {kOut}, tensor::Role::magnitude);
    linear.adapters.push_back(std::make_unique<adapter::Dora>(*lora, magnitude));
  }
  static std::vector<double> values_of(const tensor::Parameter* p) {
    return {p->master.as<double>(), p->master.as<double>() + p->elements()};
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

TEST(LinearGradient, Ia3) {
  Case({.ia3 = true}).check();
  Case({.bias = true, .ia3 = true}).check();
  Case({.bias = true, .ia3 = true, .feedforward = true}).check();
  Case({.weight = true, .ia3 = true, .feedforward = true}).check();
}
TEST(LinearGradient, Vera) {
  Case({.vera = true}).check();
  Case({.bias = true, .dropout = 0.4, .vera = true}).check();
}

/// Each in its place: what goes in is scaled, products are added, what comes out is scaled.
TEST(LinearGradient, SeveralAdapters) {
  Case({.bias = true, .lora = true, .ia3 = true, .vera = true}).check();
  Case({.bias = true, .lora = true, .dropout = 0.3, .ia3 = true, .feedforward = true, .vera = true})
      .check();
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
  // Of W + scale B A.
  for (std::int64_t o = 0; o < kOut; ++o) {
    double square = 0;
    for (std::int64_t i = 0; i < kIn; ++i) {
      double w = dora.frozen.view.as<double>()[o * kIn + i];
      for (std::int64_t r = 0; r < kRank; ++r)
        w += 2.0 * dora.lora->b->master.as<double>()[o * kRank + r] *
             dora.lora->a->master.as<double>()[r * kIn + i];
      square += w * w;
    }
    dora.magnitude->master.as<double>()[o] = std::sqrt(square);
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
  const double* g = c.lora->a->grad.as<double>();
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
  std::memset(adapted.lora->b->master.data(), 0,
              static_cast<std::size_t>(adapted.lora->b->master.bytes()));
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
