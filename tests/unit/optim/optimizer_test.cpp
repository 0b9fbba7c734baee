// Optimisers by name, what they keep, and per-parameter settings.
#include "optim/optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "config/optimizers.hpp"
#include "support/session.hpp"

namespace axl::test {
namespace {

using tensor::Role;

TEST(Optimizers, NamesAndAliasesMeanTheSame) {
  for (const char* name : {"adamw_torch", "adamw_torch_fused", "adamw_hf"})
    EXPECT_EQ(optim::optimizer_named(name).name, "adamw_torch") << name;
}

TEST(Optimizers, AConfigurationMayGiveExactlyTheNamesAndArgumentsOfTheRegistry) {
  std::size_t names = 0;
  for (const optim::OptimizerSpec& s : optim::optimizers()) names += 1 + s.aliases.size();
  EXPECT_EQ(config::known_optimizers().size(), names);
  for (const config::KnownOptimizer& known : config::known_optimizers()) {
    const optim::OptimizerSpec& spec = optim::optimizer_named(known.name);
    std::vector<std::string_view> args;
    for (const config::OptimizerArg& a : known.args) args.push_back(a.name);
    EXPECT_EQ(args, spec.args) << known.name;
  }
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
  auto& decayed = f.table.add("w", {4}, Role::magnitude);
  auto& kept = f.table.add("norm", {4}, Role::norm);
  f.table.finish();
  for (auto* p : {&decayed, &kept})
    for (int i = 0; i < 4; ++i) p->master.as<float>()[i] = 1.0f;
  optim::Optimizer o(optim::optimizer_named("adamw_torch"), {.weight_decay = 0.5}, f.table);
  o.step(f.ctx, 0.1, 1.0, 1);  // gradients are zero: only decay moves anything
  EXPECT_NEAR(decayed.master.as<float>()[0], 0.95f, 1e-7);
  EXPECT_EQ(kept.master.as<float>()[0], 1.0f);
}

TEST(Optimizer, RatesAreThoseOfTheGroups) {
  Fixture f;
  auto& a = f.table.add("a", {1, 1}, Role::lora_a);
  auto& b = f.table.add("b", {1, 1}, Role::lora_b);
  f.table.finish();
  a.grad.as<float>()[0] = b.grad.as<float>()[0] = 1.0f;
  optim::OptimizerConfig config{.learning_rate = 1e-2};
  config.groups.lora_plus_ratio = 16.0;
  optim::Optimizer o(optim::optimizer_named("adamw_torch"), config, f.table);
  o.step(f.ctx, 0.1, 1.0, 1);
  EXPECT_NEAR(a.master.as<float>()[0], -1e-3f, 1e-8);
  EXPECT_NEAR(b.master.as<float>()[0], -16e-3f, 1e-7);
}

TEST(Optimizer, ARunAtRateZeroStillMovesWhatHasARateOfItsOwn) {
  Fixture f;
  auto& matrix = f.table.add("matrix", {2, 2}, Role::matrix);
  auto& head = f.table.add("head", {2, 2}, Role::head);
  f.table.finish();
  for (auto* p : {&matrix, &head}) p->grad.as<float>()[0] = 1.0f;
  optim::OptimizerConfig config{.learning_rate = 0.0};
  config.groups.embedding_group = true;
  config.groups.embedding_lr = 1e-3;
  optim::Optimizer o(optim::optimizer_named("adamw_torch"), config, f.table);
  o.step(f.ctx, 0.5, 1.0, 1);
  EXPECT_EQ(matrix.master.as<float>()[0], 0.0f);
  EXPECT_NEAR(head.master.as<float>()[0], -5e-4f, 1e-9);
}

/// "NAME PARAMETER (shape) type" of every array.
std::vector<std::string> listed(const optim::Optimizer& o) {
  std::vector<std::string> out;
  for (const auto& s : o.state()) {
    std::string shape;
    for (const std::int64_t d : s.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(d);
    out.push_back(s.name + " " + s.parameter + " (" + shape + ") " + std::string(name_of(s.dtype)));
  }
  return out;
}

TEST(Optimizer, StateIsNamedShapedAndTypedByTheOptimizer) {
  Fixture f;
  f.table.add("w", {3, 5}, Role::matrix);
  f.table.add("n", {7}, Role::norm);
  f.table.add("large", {20, 300}, Role::matrix);
  f.table.add("embedding", {20, 300}, Role::embedding);
  f.table.finish();
  using List = std::vector<std::string>;
  const auto state = [&](const char* name, std::map<std::string, double> args = {}) {
    const optim::OptimizerConfig config{.args = std::move(args)};
    const auto& spec = optim::optimizer_named(name);
    const optim::Optimizer o(spec, config, f.table);
    EXPECT_EQ(o.bytes(), optim::state_bytes(spec, config, f.table)) << name;
    return listed(o);
  };
  EXPECT_EQ(state("sgd"), List{});
  EXPECT_EQ(state("sgd", {{"momentum", 0.9}})[0], "momentum_buffer w (3, 5) f32");
  EXPECT_EQ(state("adafactor"),
            (List{"exp_avg_sq_row w (3) f32", "exp_avg_sq_col w (5) f32", "exp_avg_sq n (7) f32",
                  "exp_avg_sq_row large (20) f32", "exp_avg_sq_col large (300) f32",
                  "exp_avg_sq_row embedding (20) f32", "exp_avg_sq_col embedding (300) f32"}));
  EXPECT_EQ(state("adafactor", {{"beta1", 0.9}}).size(), 11u);
  EXPECT_EQ(state("adamw_8bit"),
            (List{"exp_avg w (3, 5) f32", "exp_avg_sq w (3, 5) f32", "exp_avg n (7) f32",
                  "exp_avg_sq n (7) f32", "exp_avg_codes large (20, 300) u8",
                  "exp_avg_sq_codes large (20, 300) u8", "exp_avg_absmax large (24) f32",
                  "exp_avg_sq_absmax large (24) f32", "exp_avg embedding (20, 300) f32",
                  "exp_avg_sq embedding (20, 300) f32"}));
  EXPECT_EQ(state("adamw_torch").size(), 8u);
}

TEST(Optimizer, EightBitStatesTakeAQuarterOfTheMemory) {
  Fixture f;
  f.table.add("w", {256, 1024}, Role::matrix);
  f.table.finish();
  const auto bytes = [&](const char* name) {
    return optim::Optimizer(optim::optimizer_named(name), {}, f.table).bytes();
  };
  EXPECT_EQ(bytes("adamw_torch"), 2 * 4 * 256 * 1024);
  EXPECT_EQ(bytes("adamw_8bit"), 2 * 256 * 1024 + 2 * 4 * 1024);
  EXPECT_EQ(bytes("adafactor"), 4 * (256 + 1024));
}

TEST(Optimizer, GradientsAreScaledFirst) {
  Fixture f;
  f.table.add("a", {3, 5}, Role::matrix);
  f.table.finish();
  optim::Optimizer o(optim::optimizer_named("adamw_torch"), {}, f.table);
  f.table.grad()[3] = 2.0f;
  o.step(f.ctx, 1e-3, 0.5, 1);
  const auto state = o.state();
  EXPECT_NEAR(static_cast<float*>(state[0].data)[3], 0.1f, 1e-7);
  EXPECT_NEAR(static_cast<float*>(state[1].data)[3], 0.001f, 1e-8);
}

TEST(Optimizer, NothingOfAStepReachesAnotherParameter) {
  for (const char* name : {"adamw_torch", "adamw_8bit", "sgd", "adafactor"}) {
    Fixture f;
    auto& w = f.table.add("w", {65, 67}, Role::matrix);  // 4355: blocks end within it
    auto& n = f.table.add("n", {5}, Role::norm);
    f.table.finish();
    optim::OptimizerConfig config{.learning_rate = 1e-2};
    if (std::string(name) == "sgd") config.args["momentum"] = 0.9;
    optim::Optimizer o(optim::optimizer_named(name), config, f.table);
    for (std::int64_t t = 1; t <= 3; ++t) {
      for (std::int64_t i = 0; i < w.elements(); ++i)
        w.grad.as<float>()[i] = static_cast<float>((i * t) % 13) - 6.0f;
      o.step(f.ctx, 1.0, 1.0, t);
    }
    for (std::int64_t i = 0; i < 5; ++i) EXPECT_EQ(n.master.as<float>()[i], 0.0f) << name;
    std::int64_t moved = 0;
    for (std::int64_t i = 0; i < w.elements(); ++i) {
      moved += w.master.as<float>()[i] != 0.0f;
      EXPECT_TRUE(std::isfinite(w.master.as<float>()[i])) << name;
    }
    EXPECT_GT(moved, w.elements() * 8 / 10) << name;
    // What lies between parameters in the flat buffer is nobody's.
    for (std::int64_t i = w.elements(); i < n.offset; ++i) EXPECT_EQ(f.table.master()[i], 0.0f);
  }
}

TEST(Optimizer, GradientNormIsThatOfAllParameters) {
  Fixture f;
  f.table.add("a", {3}, Role::norm);
  f.table.add("b", {20, 300}, Role::matrix);
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

}  // namespace
}  // namespace axl::test
