// Optimisers against PyTorch, transformers and bitsandbytes: 50 recorded steps of a matrix and a
// vector, and 10 steps with 8-bit states.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "axl/kernels/quantile_map.hpp"
#include "optim/optimizer.hpp"
#include "oracle/oracle_folder.hpp"
#include "support/session.hpp"
#include "weights/weight_file.hpp"

namespace axl::test {
namespace {

constexpr double kRelative = 1e-4;

/// The optimiser that runs a recorded case; the others are not supported yet.
const std::map<std::string, std::string>& supported() {
  static const std::map<std::string, std::string> cases{
      {"optim_adamw", "adamw_torch"},
      {"optim_adamw_b95", "adamw_torch"},
      {"optim_bnb_adamw32", "paged_adamw_32bit"},
      {"optim_sgd", "sgd"},
      {"optim_sgd_momentum", "sgd"},
      {"optim_sgd_nesterov", "sgd"},
      {"optim_adafactor_fixed", "adafactor"},
      {"optim_adafactor_relative", "adafactor"},
      {"optim_adafactor_scale_beta1", "adafactor"},
      {"bnb_adamw8bit", "adamw_bnb_8bit"},
      {"bnb_paged_adamw8bit", "paged_adamw_8bit"},
  };
  return cases;
}

struct Run {
  Bench bench{1 << 20};
  ops::Context ctx = bench.context();
  tensor::ParameterTable table{DType::f32};
};

optim::OptimizerConfig config_of(const nlohmann::ordered_json& hyper) {
  optim::OptimizerConfig c;
  for (const auto& [key, value] : hyper.items()) {
    if (value.is_null()) continue;
    if (key == "lr")
      c.learning_rate = value;
    else if (key == "betas")
      std::tie(c.beta1, c.beta2) = std::pair<double, double>(value[0], value[1]);
    else if (key == "eps" && value.is_number())
      c.epsilon = value;
    else if (key == "weight_decay")
      c.weight_decay = value;
    else
      c.args[key] = value.is_boolean() ? (value.get<bool>() ? 1.0 : 0.0) : value.get<double>();
  }
  return c;
}

double distance(const std::vector<double>& a, const float* b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - static_cast<double>(b[i])) * (a[i] - static_cast<double>(b[i]));
    size += a[i] * a[i];
  }
  return std::sqrt(difference / size);
}

void run_case(const std::string& name) {
  const auto o = oracle::read_json(oracle::folder("optim") / (name + ".json"));
  Run run;
  for (const auto& [key, shape] : o["shapes"].items())
    // Recorded with one group: everything decays.
    run.table.add(key, shape.get<std::vector<std::int64_t>>(), tensor::Role::magnitude);
  run.table.finish();
  for (auto& p : run.table.all()) {
    const auto x = o["x0"][p.name].get<std::vector<float>>();
    std::copy(x.begin(), x.end(), p.master.as<float>());
  }
  optim::Optimizer optimizer(optim::optimizer_named(supported().at(name)), config_of(o["hyper"]),
                             run.table);
  double worst = 0;
  int compared = 0;
  const std::size_t steps = o["grads"].size();
  for (std::size_t t = 0; t < steps; ++t) {
    for (auto& p : run.table.all()) {
      const auto g = o["grads"][t][p.name].get<std::vector<float>>();
      std::copy(g.begin(), g.end(), p.grad.as<float>());
    }
    optimizer.step(run.ctx, 1.0, 1.0, static_cast<std::int64_t>(t) + 1);
    const std::string step = std::to_string(t + 1);
    if (!o["x"].contains(step)) continue;
    for (auto& p : run.table.all()) {
      worst = std::max(
          worst, distance(o["x"][step][p.name].get<std::vector<double>>(), p.master.as<float>()));
      ++compared;
    }
  }
  std::printf("%-28s %zu steps, worst relative difference %.1e\n", name.c_str(), steps, worst);
  EXPECT_LE(worst, kRelative) << name;
  for (auto& p : run.table.all())
    EXPECT_GT(distance(o["x0"][p.name].get<std::vector<double>>(), p.master.as<float>()),
              5 * kRelative)
        << name << " " << p.name << " did not move";
  EXPECT_GT(compared, 0) << name;
}

std::vector<float> floats_of(const weights::WeightFile& file, const std::string& name) {
  const weights::TensorEntry& e = file.get(name);
  std::vector<float> out(static_cast<std::size_t>(e.elements()));
  weights::to_float(e, 0, e.elements(), out.data());
  return out;
}

void run_8bit_case(const std::string& name) {
  const auto file =
      weights::WeightFile::open((oracle::folder("optim") / (name + ".safetensors")).string());
  for (const bool is_signed : {true, false}) {
    const std::vector<float> map = floats_of(file, is_signed ? "state50.qmap1" : "state50.qmap2");
    const auto& ours = kernels::dynamic_map(is_signed).values;
    EXPECT_TRUE(std::equal(map.begin(), map.end(), ours.begin(), ours.end())) << name;
  }
  const std::vector<std::int64_t> shape = file.get("x0").shape;
  Run run;
  auto& p = run.table.add("x", shape, tensor::Role::matrix);
  run.table.finish();
  const std::vector<float> start = floats_of(file, "x0"), g = floats_of(file, "grads_first10");
  std::copy(start.begin(), start.end(), p.master.as<float>());
  // As bitsandbytes has it; the paged case was recorded with its default of 0.01, too.
  optim::Optimizer optimizer(optim::optimizer_named(supported().at(name)),
                             {.learning_rate = 0.01, .weight_decay = 0.01}, run.table);
  const auto n = static_cast<std::size_t>(p.elements());
  const std::vector<float> absmax = floats_of(file, "state50.absmax1");
  EXPECT_EQ(optimizer.state()[2].shape, (std::vector<std::int64_t>{std::ssize(absmax)}));
  double worst = 0;
  for (std::size_t t = 0; t < g.size() / n; ++t) {
    std::copy(g.begin() + std::ptrdiff_t(t * n), g.begin() + std::ptrdiff_t((t + 1) * n),
              p.grad.as<float>());
    optimizer.step(run.ctx, 1.0, 1.0, static_cast<std::int64_t>(t) + 1);
    const std::string x = "x" + std::to_string(t + 1);
    if (file.find(x) == nullptr) continue;
    const std::vector<float> expected = floats_of(file, x);
    worst = std::max(worst, distance({expected.begin(), expected.end()}, p.master.as<float>()));
  }
  std::printf("%-28s %zu steps, worst relative difference %.1e\n", name.c_str(), g.size() / n,
              worst);
  EXPECT_LE(worst, 1e-6) << name << ": 32-bit states would differ by 1e-3";
}

TEST(Oracle, Optim) {
  std::vector<std::string> found;
  if (std::filesystem::is_directory(oracle::folder("optim")))
    for (const auto& e : std::filesystem::directory_iterator(oracle::folder("optim"))) {
      const std::string name = e.path().stem().string();
      if (name.starts_with("optim_") || name.starts_with("bnb_")) found.push_back(name);
    }
  if (found.empty()) GTEST_SKIP() << "no oracles found";
  std::sort(found.begin(), found.end());
  for (const std::string& name : found) {
    if (!supported().contains(name))
      std::printf("%-28s skipped: this optimiser is not supported yet\n", name.c_str());
    else if (name.starts_with("bnb_"))
      run_8bit_case(name);
    else
      run_case(name);
  }
  for (const auto& [name, optimizer] : supported())
    EXPECT_TRUE(std::binary_search(found.begin(), found.end(), name)) << name << " is not recorded";
}

}  // namespace
}  // namespace axl::test
