// Logits, loss, every gradient norm, some full gradients, left padding and greedy tokens of the
// recorded models, under both styles of config.json.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "oracle/model_case.hpp"
#include "oracle/must_run.hpp"
#include "support/paths.hpp"

namespace axl::test {
namespace {

constexpr double kLogits = 1e-4, kLoss = 1e-5, kGradient = 1e-4;

void run_case(const std::string& name, const std::string& config_file) {
  const std::string folder = oracle_root() + "/arch/" + name;
  ModelCase m(folder, config_file, {.compute = DType::f32, .training = {.full = true}});
  const auto recorded = weights::WeightFile::open(folder + "/oracle.safetensors");
  const nlohmann::json expected = read_json(folder + "/oracle.json");
  const auto ids = integers(recorded, "input_ids");
  const std::int64_t columns = recorded.get("input_ids").shape[1], V = m.config.vocab_size;

  const UnpaddedRows rows =
      unpad(ids, integers(recorded, "attention_mask"), integers(recorded, "labels"), columns);
  const double logits = worst_logit(m.logits(rows.batch()), floats(recorded, "logits"), rows, V);
  EXPECT_LE(logits, kLogits) << name;

  UnpaddedRows left = unpad(integers(recorded, "left.input_ids"),
                            integers(recorded, "left.attention_mask"), {}, columns);
  // A plain forward of transformers counts learned positions from the padding on.
  if (m.decoder->shape().learned_positions > 0)
    for (std::size_t i = 0; i < left.positions.size(); ++i)
      left.positions[i] =
          static_cast<std::int32_t>(left.source[i] % static_cast<std::size_t>(columns));
  const double left_logits =
      worst_logit(m.logits(left.batch()), floats(recorded, "left.logits"), left, V);
  EXPECT_LE(left_logits, kLogits) << name;

  m.decoder->parameters().zero_grad();
  const double loss = m.forward_backward(rows.batch(), rows.labels);
  EXPECT_NEAR(loss, expected.at("loss").get<double>(), kLoss) << name;
  double worst_norm = 0, worst_full = 0;
  for (const auto& [parameter, value] : expected.at("grad_norm").items()) {
    const tensor::Parameter* p = m.decoder->parameters().find(parameter);
    ASSERT_NE(p, nullptr) << parameter;
    worst_norm = std::max(worst_norm,
                          relative(norm(p->grad.as<float>(), p->elements()), value.get<double>()));
    if (recorded.find("grad." + parameter) == nullptr) continue;
    std::vector<float> diff = floats(recorded, "grad." + parameter);
    const double scale = norm(diff.data(), p->elements());
    for (std::size_t i = 0; i < diff.size(); ++i) diff[i] -= p->grad.as<float>()[i];
    worst_full = std::max(worst_full, norm(diff.data(), p->elements()) / scale);
  }
  EXPECT_LE(worst_norm, kGradient) << name;
  EXPECT_LE(worst_full, kGradient) << name;

  // Where positions depend on the length, only the cache computes what generation computed.
  const auto greedy = integers(recorded, "greedy");
  const auto whole = static_cast<std::int64_t>(greedy.size());
  const bool comparable =
      !m.decoder->ropes().depend_on(whole) && !m.decoder->ropes().change_between(whole - 24, whole);
  std::size_t wrong = 0;
  const UnpaddedRows text = unpad(greedy, std::vector<std::int64_t>(greedy.size(), 1), {},
                                  static_cast<std::int64_t>(greedy.size()));
  const auto z = m.logits(text.batch());
  const std::size_t prompt = greedy.size() - 24, width = static_cast<std::size_t>(V);
  for (std::size_t t = prompt; comparable && t < greedy.size(); ++t) {
    const auto first = z.begin() + static_cast<std::ptrdiff_t>((t - 1) * width);
    const auto best = std::max_element(first, first + V) - first;
    if (best != greedy[t]) ++wrong;
  }
  EXPECT_EQ(wrong, 0u) << name;
  std::printf(
      "%-24s %-16s logits %.1e left %.1e loss %.1e gradient norms %.1e gradients %.1e greedy "
      "%zu/24\n",
      name.c_str(), config_file.c_str(), logits, left_logits,
      std::abs(loss - expected.at("loss").get<double>()), worst_norm, worst_full, 24 - wrong);
}

TEST(Oracle, Arch) {
  const auto cases = oracle_cases("arch");
  if (cases.empty()) {
    std::printf("no oracles found\n");
    GTEST_SKIP();
  }
  int run = 0;
  for (const std::string& name : cases) {
    const auto config = read_json(oracle_root() + "/arch/" + name + "/config.json");
    const std::string architecture =
        config.value("architectures", nlohmann::json{"LlamaForCausalLM"}).at(0);
    bool known = false;
    for (const family::FamilySpec& f : family::families())
      known = known ||
              std::count(f.hf_architectures.begin(), f.hf_architectures.end(), architecture) > 0;
    if (!known) {
      EXPECT_FALSE(oracle::must_run("arch", name)) << name;
      std::printf("%-24s skipped: %s is not supported yet\n", name.c_str(), architecture.c_str());
      continue;
    }
    try {
      run_case(name, "config.json");
      run_case(name, "config.hub4.json");
      ++run;
    } catch (const Error& e) {
      if (e.code() != ErrorCode::unsupported) throw;
      EXPECT_FALSE(oracle::must_run("arch", name)) << name << ": " << e.what();
      std::printf("%-24s skipped: %s\n", name.c_str(), e.message().c_str());
    }
  }
  std::printf("%d of %zu models compared\n", run, cases.size());
  EXPECT_GT(run, 0);
}

}  // namespace
}  // namespace axl::test
