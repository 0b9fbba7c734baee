// Trajectories of 20 optimiser steps: loss, learning rate and gradient norm of every step, losses
// afterwards and the final parameters, for LoRA and full fine-tunes, with accumulation and tied
// embeddings.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>

#include "adapter/peft_files.hpp"
#include "model/load_adapter.hpp"
#include "optim/optimizer.hpp"
#include "optim/schedule.hpp"
#include "oracle/model_case.hpp"
#include "oracle/must_run.hpp"
#include "support/paths.hpp"

namespace axl::test {
namespace {

constexpr double kRelative = 1e-4;

struct Trajectory {
  nlohmann::json json;
  std::vector<UnpaddedRows> micro;
};

Trajectory read_trajectory(const std::string& folder) {
  Trajectory t;
  t.json = read_json(folder + "/trajectory.json");
  const auto file = weights::WeightFile::open(folder + "/batches.safetensors");
  for (int i = 0; file.find("input_ids." + std::to_string(i)) != nullptr; ++i) {
    const std::string n = std::to_string(i);
    t.micro.push_back(unpad(integers(file, "input_ids." + n), integers(file, "attention_mask." + n),
                            integers(file, "labels." + n), file.get("input_ids." + n).shape[1]));
  }
  return t;
}

void run_case(const std::string& name) {
  const std::string folder = oracle_root() + "/train/" + name;
  const Trajectory t = read_trajectory(folder);
  const std::string base = oracle_root() + "/" + t.json.at("base").get<std::string>();
  model::DecoderOptions options;
  const bool lora = std::filesystem::exists(folder + "/init/adapter_config.json");
  if (lora)
    options.training.lora = adapter::read_peft_config(folder + "/init");
  else
    options.training.full = true;
  ModelCase m(base, "config.json", options);
  ops::Context ctx = m.bench.context();
  if (lora)
    model::load_adapter(ctx, *m.decoder, adapter::AdapterFiles::open(folder + "/init"));
  else if (std::filesystem::exists(folder + "/init/model.safetensors"))
    FAIL() << "unexpected init";
  const auto no_decay = t.json.at("no_decay").get<std::vector<std::string>>();
  // As recorded: some let norms decay too.
  for (tensor::Parameter& p : m.decoder->parameters().all())
    p.role = std::find(no_decay.begin(), no_decay.end(), p.name) == no_decay.end()
                 ? tensor::Role::matrix
                 : tensor::Role::norm;

  const auto peak = t.json.at("lr").get<double>();
  optim::Optimizer optimizer(optim::optimizer_named("adamw_torch"),
                             {.learning_rate = peak,
                              .beta1 = t.json.at("betas").at(0),
                              .beta2 = t.json.at("betas").at(1),
                              .epsilon = t.json.at("eps"),
                              .weight_decay = t.json.at("weight_decay")},
                             m.decoder->parameters());
  const optim::ScheduleContext schedule{.total_steps = t.json.at("total"),
                                        .warmup_steps = t.json.at("warmup")};
  const auto accum = t.json.at("accum").get<std::size_t>();
  double worst_loss = 0, worst_norm = 0, worst_lr = 0;
  for (const auto& step : t.json.at("steps")) {
    const auto index = step.at("step").get<std::int64_t>() - 1;
    m.decoder->parameters().zero_grad();
    std::int64_t labels = 0;
    for (std::size_t a = 0; a < accum; ++a)
      labels += t.micro[(static_cast<std::size_t>(index) * accum + a) % t.micro.size()].labels;
    double loss = 0;
    for (std::size_t a = 0; a < accum; ++a)
      loss += m.forward_backward(
          t.micro[(static_cast<std::size_t>(index) * accum + a) % t.micro.size()].batch(), labels);
    const double norm = optim::gradient_norm(ctx, m.decoder->parameters());
    const double factor =
        optim::schedules().get(t.json.at("scheduler").get<std::string>()).factor(index, schedule);
    worst_loss = std::max(worst_loss, relative(loss, step.at("loss")));
    worst_norm = std::max(worst_norm, relative(norm, step.at("grad_norm")));
    worst_lr = std::max(worst_lr, std::abs(peak * factor - step.at("lr").get<double>()));
    optimizer.step(ctx, factor, std::min(1.0, t.json.at("clip").get<double>() / (norm + 1e-6)),
                   index + 1);
    m.decoder->refresh_values(ctx);
  }
  double worst_after = 0;
  for (std::size_t i = 0; i < t.micro.size(); ++i)
    worst_after = std::max(worst_after, relative(m.evaluate(t.micro[i].batch(), t.micro[i].labels),
                                                 t.json.at("eval_loss_after").at(i)));
  const auto final_file = weights::WeightFile::open(
      folder + "/final/" + (lora ? "adapter_model.safetensors" : "model.safetensors"));
  double worst_final = 0;
  for (const tensor::Parameter& p : m.decoder->parameters().all()) {
    std::vector<float> diff = floats(final_file, p.name);
    const double scale = test::norm(diff.data(), p.elements());
    for (std::size_t i = 0; i < diff.size(); ++i) diff[i] -= p.master.as<float>()[i];
    worst_final = std::max(worst_final, test::norm(diff.data(), p.elements()) / scale);
  }
  EXPECT_LE(worst_loss, kRelative) << name;
  EXPECT_LE(worst_norm, 5 * kRelative) << name;  // 20 steps of rounding apart
  EXPECT_LE(worst_lr, 1e-12) << name;
  EXPECT_LE(worst_after, kRelative) << name;
  EXPECT_LE(worst_final, 10 * kRelative) << name;
  std::printf("%-22s loss %.1e gradient norm %.1e lr %.1e loss after %.1e final parameters %.1e\n",
              name.c_str(), worst_loss, worst_norm, worst_lr, worst_after, worst_final);
}

TEST(Oracle, Train) {
  const auto cases = oracle_cases("train");
  if (cases.empty()) GTEST_SKIP() << "no oracles found";
  for (const std::string& name : cases) {
    try {
      run_case(name);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::unsupported) throw;
      EXPECT_FALSE(oracle::must_run("train", name)) << name << ": " << e.what();
      std::printf("%-22s skipped: %s\n", name.c_str(), e.message().c_str());
    }
  }
}

}  // namespace
}  // namespace axl::test
