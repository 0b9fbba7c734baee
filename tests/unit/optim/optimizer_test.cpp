// Optimisers by name, per-parameter settings, and torch's recorded parameters where present.
#include "optim/optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "config/schema.hpp"
#include "core/json.hpp"
#include "support/paths.hpp"
#include "support/session.hpp"

namespace axl::test {
namespace {

TEST(Optimizers, NamesAndAliasesMeanTheSame) {
  for (const char* name : {"adamw_torch", "adamw_torch_fused", "adamw_hf"})
    EXPECT_EQ(optim::optimizer_named(name).name, "adamw_torch") << name;
}

TEST(Optimizers, EveryNameThatAConfigurationMayGiveIsKnown) {
  for (const std::string_view name : config::optimizer_names())
    EXPECT_NO_THROW(optim::optimizer_named(name)) << name;
}

TEST(Optimizers, NamesAreUnique) {
  std::vector<std::string_view> all;
  for (const auto& s : optim::optimizers()) {
    all.push_back(s.name);
    all.insert(all.end(), s.aliases.begin(), s.aliases.end());
    EXPECT_NE(s.step, nullptr);
    EXPECT_FALSE(s.paper.empty());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

TEST(Optimizers, UnknownNamesAreListed) {
  try {
    optim::optimizer_named("adamw_torh");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::config);
    EXPECT_NE(std::string(e.what()).find("adamw_torch"), std::string::npos) << e.what();
  }
}

struct Fixture {
  Bench bench{1 << 20};
  ops::Context ctx = bench.context();
  tensor::ParameterTable table{DType::f32};
};

TEST(Optimizer, NormsAndBiasesDoNotDecay) {
  Fixture f;
  auto& decayed = f.table.add("w", {4}, true);
  auto& kept = f.table.add("norm", {4}, false);
  f.table.finish();
  for (auto* p : {&decayed, &kept})
    for (int i = 0; i < 4; ++i) p->master.as<float>()[i] = 1.0f;
  optim::Optimizer o(optim::optimizer_named("adamw_torch"), {.weight_decay = 0.5}, f.table);
  o.step(f.ctx, 0.1, 1.0, 1);  // gradients are zero: only decay moves anything
  EXPECT_NEAR(decayed.master.as<float>()[0], 0.95f, 1e-7);
  EXPECT_EQ(kept.master.as<float>()[0], 1.0f);
}

TEST(Optimizer, RateScalesArePerParameter) {
  Fixture f;
  auto& a = f.table.add("a", {1}, true);
  auto& b = f.table.add("b", {1}, true);
  b.lr_scale = 16.0;
  f.table.finish();
  a.grad.as<float>()[0] = b.grad.as<float>()[0] = 1.0f;
  optim::Optimizer o(optim::optimizer_named("adamw_torch"), {}, f.table);
  o.step(f.ctx, 1e-3, 1.0, 1);
  EXPECT_NEAR(a.master.as<float>()[0], -1e-3f, 1e-8);
  EXPECT_NEAR(b.master.as<float>()[0], -16e-3f, 1e-7);
}

TEST(Optimizer, StateHasNamesAndSizes) {
  Fixture f;
  f.table.add("a", {3, 5}, true);
  f.table.finish();
  optim::Optimizer o(optim::optimizer_named("adamw_torch"), {}, f.table);
  const auto state = o.state();
  ASSERT_EQ(state.size(), 2u);
  EXPECT_EQ(state[0].name, "exp_avg");
  EXPECT_EQ(state[1].name, "exp_avg_sq");
  EXPECT_EQ(state[0].elements, f.table.flat_elements());
  EXPECT_EQ(o.bytes(), 2 * 4 * f.table.flat_elements());
  f.table.grad()[3] = 2.0f;
  o.step(f.ctx, 1e-3, 0.5, 1);
  EXPECT_NEAR(state[0].data[3], 0.1f, 1e-7) << "scaled by the clipping factor first";
  EXPECT_NEAR(state[1].data[3], 0.001f, 1e-8);
}

TEST(Optimizer, GradientNormIsThatOfAllParameters) {
  Fixture f;
  f.table.add("a", {3}, true);
  f.table.add("b", {20, 300}, true);
  f.table.finish();
  double sum = 0;
  for (const auto& p : f.table.all())
    for (std::int64_t i = 0; i < p.elements(); ++i) {
      const float g = static_cast<float>(i % 17) - 8.0f;
      p.grad.as<float>()[i] = g;
      sum += static_cast<double>(g) * static_cast<double>(g);
    }
  EXPECT_NEAR(optim::gradient_norm(f.ctx, f.table), std::sqrt(sum), 1e-12 * std::sqrt(sum));
  EXPECT_EQ(optim::gradient_norm(f.ctx, f.table), optim::gradient_norm(f.ctx, f.table));
}

void compare_with_torch(const std::string& name) {
  std::ifstream in(oracle_root() + "/optim/" + name + ".json");
  if (!in) GTEST_SKIP() << "no oracles found";
  const auto o = axl::parse_json<nlohmann::json>(in);
  Fixture f;
  for (const auto& [key, shape] : o["shapes"].items())
    f.table.add(key, shape.get<std::vector<std::int64_t>>(), true);
  f.table.finish();
  for (auto& p : f.table.all()) {
    const auto x = o["x0"][p.name].get<std::vector<float>>();
    std::copy(x.begin(), x.end(), p.master.as<float>());
  }
  const auto& h = o["hyper"];
  optim::Optimizer optimizer(optim::optimizer_named("adamw_torch"),
                             {.beta1 = h["betas"][0],
                              .beta2 = h["betas"][1],
                              .epsilon = h["eps"],
                              .weight_decay = h["weight_decay"]},
                             f.table);
  double worst = 0;
  const std::size_t steps = o["grads"].size();
  for (std::size_t t = 0; t < steps; ++t) {
    for (auto& p : f.table.all()) {
      const auto g = o["grads"][t][p.name].get<std::vector<float>>();
      std::copy(g.begin(), g.end(), p.grad.as<float>());
    }
    optimizer.step(f.ctx, h["lr"], 1.0, static_cast<std::int64_t>(t) + 1);
    const std::string step = std::to_string(t + 1);
    if (!o["x"].contains(step)) continue;
    for (auto& p : f.table.all()) {
      const auto x = o["x"][step][p.name].get<std::vector<double>>();
      for (std::size_t i = 0; i < x.size(); ++i)
        worst = std::max(worst, std::abs(x[i] - static_cast<double>(p.master.as<float>()[i])));
    }
  }
  std::printf("%-24s %zu steps, worst difference %.1e\n", name.c_str(), steps, worst);
  EXPECT_LE(worst, 1e-5) << name;
  EXPECT_GT(worst, 0.0) << "nothing was compared";
}

TEST(Optimizer, TorchAdamW) { compare_with_torch("optim_adamw"); }
TEST(Optimizer, TorchAdamWWithOtherBetas) { compare_with_torch("optim_adamw_b95"); }

}  // namespace
}  // namespace axl::test
