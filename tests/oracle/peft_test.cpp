// Adapters as PEFT saves them: loaded into our model they give PEFT's logits, loss and gradients;
// saved by us they are the same files again.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include "adapter/peft_files.hpp"
#include "adapter/vera.hpp"
#include "checkpoint/merge.hpp"
#include "model/load_adapter.hpp"
#include "oracle/model_case.hpp"
#include "oracle/must_run.hpp"
#include "support/paths.hpp"
#include "train/save_model.hpp"

namespace axl::test {
namespace {

constexpr double kLogits = 1e-4, kLoss = 1e-5, kGradient = 1e-4, kMerged = 1e-6;

struct Folder {
  std::string path;
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "axl_peft_XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
};

/// The config without what has no order (PEFT writes sets in the order of their hashes).
nlohmann::json comparable(nlohmann::json config) {
  for (const char* key : {"target_modules", "modules_to_save", "exclude_modules"})
    if (config.contains(key) && config[key].is_array())
      std::sort(config[key].begin(), config[key].end());
  return config;
}

void expect_same_files(const std::string& name, const std::string& ours, const std::string& peft) {
  const auto a = weights::WeightFile::open(ours + "/adapter_model.safetensors");
  const auto b = weights::WeightFile::open(peft + "/adapter_model.safetensors");
  EXPECT_EQ(a.tensors().size(), b.tensors().size()) << name;
  for (const weights::TensorEntry& recorded : b.tensors()) {
    const weights::TensorEntry* written = a.find(recorded.name);
    ASSERT_NE(written, nullptr) << name << ": " << recorded.name;
    EXPECT_EQ(written->shape, recorded.shape) << name << ": " << recorded.name;
    if (recorded.storage != weights::Storage::f32) continue;  // adapters are trained in f32
    EXPECT_EQ(written->storage, recorded.storage) << name << ": " << recorded.name;
    EXPECT_TRUE(std::equal(written->bytes.begin(), written->bytes.end(), recorded.bytes.begin(),
                           recorded.bytes.end()))
        << name << ": " << recorded.name;
  }
  EXPECT_EQ(comparable(read_json(ours + "/adapter_config.json")),
            comparable(read_json(peft + "/adapter_config.json")))
      << name;
}

/// Largest relative difference of the recorded merged weights from those that we merge.
double worst_merged(const std::string& base, const std::string& folder,
                    const weights::WeightFile& recorded) {
  const Folder target;
  checkpoint::merge_adapter(base, folder, target.path, {.overwrite = true});
  const auto merged = weights::WeightFile::open(target.path);
  double worst = 0;
  for (const weights::TensorEntry& t : recorded.tensors()) {
    if (!t.name.starts_with("merged.")) continue;
    std::vector<float> diff = floats(recorded, t.name);
    const double scale = norm(diff.data(), t.elements());
    const std::string parameter = t.name.substr(7);
    const bool tied = parameter == "lm_head.weight" && merged.find(parameter) == nullptr;
    const std::vector<float> ours = floats(merged, tied ? "model.embed_tokens.weight" : parameter);
    for (std::size_t i = 0; i < diff.size(); ++i) diff[i] -= ours[i];
    worst = std::max(worst, norm(diff.data(), t.elements()) / scale);
  }
  return worst;
}

/// The reason why the case cannot be run, or nothing.
std::optional<std::string> run_case(const std::string& name) {
  const std::string folder = oracle_root() + "/peft/" + name;
  const nlohmann::json expected = read_json(folder + "/oracle.json");
  const std::string base = oracle_root() + "/" + expected.at("base").get<std::string>();
  std::optional<adapter::AdapterFiles> files;
  std::optional<ModelCase> m;
  try {
    files.emplace(adapter::AdapterFiles::open(folder));
    family::family_of(weights::read_model_config(base + "/config.json"));
  } catch (const Error& e) {
    if (e.code() != ErrorCode::unsupported) throw;
    return e.message();
  }
  m.emplace(base, "config.json",
            model::DecoderOptions{.compute = DType::f32, .training = {.lora = files->config()}});

  const auto recorded = weights::WeightFile::open(folder + "/oracle.safetensors");
  const std::int64_t columns = recorded.get("input_ids").shape[1];
  const UnpaddedRows rows =
      unpad(integers(recorded, "input_ids"), integers(recorded, "attention_mask"),
            integers(recorded, "labels"), columns);
  const std::int64_t V = m->config.vocab_size;
  // B is zero at the start: the adapter changes nothing.
  const double fresh =
      worst_logit(m->logits(rows.batch()), floats(recorded, "base_logits"), rows, V);
  EXPECT_LE(fresh, kLogits) << name;

  ops::Context ctx = m->bench.context();
  model::load_adapter(ctx, *m->decoder, *files);
  const double logits = worst_logit(m->logits(rows.batch()), floats(recorded, "logits"), rows, V);
  EXPECT_LE(logits, kLogits) << name;

  m->decoder->parameters().zero_grad();
  const double loss = m->forward_backward(rows.batch(), rows.labels);
  const double loss_error = std::abs(loss - expected.at("loss").get<double>());
  EXPECT_LE(loss_error, kLoss) << name;
  double worst_norm = 0, worst_full = 0;
  EXPECT_EQ(expected.at("grad_norm").size(), m->decoder->parameters().all().size()) << name;
  for (const auto& [parameter, value] : expected.at("grad_norm").items()) {
    const tensor::Parameter* p = m->decoder->parameters().find(parameter);
    if (p == nullptr) {
      ADD_FAILURE() << name << ": no parameter " << parameter;
      continue;
    }
    const float* grad = p->grad.as<float>();
    worst_norm = std::max(worst_norm, relative(norm(grad, p->elements()), value.get<double>()));
    if (recorded.find("grad." + parameter) == nullptr) continue;
    std::vector<float> diff = floats(recorded, "grad." + parameter);
    const double scale = norm(diff.data(), p->elements());
    for (std::size_t i = 0; i < diff.size(); ++i) diff[i] -= grad[i];
    worst_full = std::max(worst_full, norm(diff.data(), p->elements()) / std::max(scale, 1e-12));
  }
  EXPECT_LE(worst_norm, kGradient) << name;
  EXPECT_LE(worst_full, kGradient) << name;

  const Folder written;
  train::save_trained(written.path, *m->decoder, m->weights, false);
  expect_same_files(name, written.path, folder);
  const double merged = worst_merged(base, folder, recorded);
  EXPECT_LE(merged, kMerged) << name;
  std::printf(
      "%-24s fresh %.1e logits %.1e loss %.1e gradient norms %.1e gradients %.1e merged %.1e, %zu "
      "tensors written alike\n",
      name.c_str(), fresh, logits, loss_error, worst_norm, worst_full, merged,
      files->tensors().size());
  return std::nullopt;
}

TEST(Oracle, Peft) {
  const auto cases = oracle_cases("peft");
  if (cases.empty()) {
    std::printf("no oracles found\n");
    GTEST_SKIP();
  }
  std::size_t run = 0;
  for (const std::string& name : cases) {
    if (const auto reason = run_case(name)) {
      EXPECT_FALSE(oracle::must_run("peft", name)) << name << ": " << *reason;
      std::printf("%-24s skipped: %s\n", name.c_str(), reason->c_str());
    } else {
      ++run;
    }
  }
  std::printf("%zu of %zu adapters compared\n", run, cases.size());
  EXPECT_GT(run, 0u);
}

/// Without saved matrices they are those that PEFT makes from the key, to the bit.
TEST(Oracle, VeraProjectionOfAKey) {
  const std::string folder = oracle_root() + "/peft/vera";
  if (!std::filesystem::exists(folder)) GTEST_SKIP();
  const auto files = adapter::AdapterFiles::open(folder);
  const auto saved = adapter::saved_projection(files);
  ASSERT_TRUE(saved.has_value());
  const auto made = adapter::VeraProjection::make(saved->rank, saved->inputs, saved->outputs,
                                                  files.config().projection_prng_key);
  EXPECT_EQ(made.a, saved->a);
  EXPECT_EQ(made.b, saved->b);
}

}  // namespace
}  // namespace axl::test
