#include "checkpoint/merge.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "adapter/peft_files.hpp"
#include "support/paths.hpp"
#include "tiny_model.hpp"
#include "weights/model_config.hpp"

namespace axl::checkpoint {
namespace {

using adapter::AdapterRole;
using testing::floats;
using weights::Storage;
using weights::WeightFile;

const std::string kQ = "model.layers.1.self_attn.q_proj";

class MergeAdapter : public testing::Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    testing::write_tiny_model(path("base"));
    values_.resize(264 * 64);
    for (std::size_t i = 0; i < values_.size(); ++i)
      values_[i] = std::sin(static_cast<float>(i) * 0.37f);
    std::filesystem::create_directories(path("adapter"));
    config_.r = 2;
    config_.lora_alpha = 6;
    config_.target_modules.names = {kQ};
  }
  void add(AdapterRole role, const std::string& name, std::vector<std::int64_t> shape) {
    tensors_.push_back(weights::float_tensor(adapter::adapter_tensor_name(role, name, config_),
                                             std::move(shape), values_.data()));
  }
  void merge(const MergeOptions& options = {}) {
    adapter::write_adapter(path("adapter"), config_, tensors_);
    merge_adapter(path("base"), path("adapter"), path("out"), options);
  }
  std::string refusal() {
    try {
      merge();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::input);
      EXPECT_FALSE(std::filesystem::exists(path("out")));
      return e.what();
    }
    ADD_FAILURE() << "accepted";
    return {};
  }
  adapter::PeftConfig config_;
  std::vector<float> values_;
  std::vector<weights::TensorToWrite> tensors_;
};

TEST_F(MergeAdapter, AddsTheScaledProduct) {
  add(AdapterRole::lora_a, kQ, {2, 64});
  add(AdapterRole::lora_b, kQ, {64, 2});
  merge();
  const WeightFile base = WeightFile::open(path("base"));
  const WeightFile out = WeightFile::open(path("out"));
  ASSERT_EQ(out.tensors().size(), base.tensors().size());
  for (const weights::TensorEntry& t : base.tensors()) {
    std::vector<float> want = floats(t);
    if (t.name == kQ + ".weight")
      for (std::size_t i = 0; i < 64; ++i)
        for (std::size_t j = 0; j < 64; ++j)
          want[i * 64 + j] +=
              3.0f * (values_[2 * i] * values_[j] + values_[2 * i + 1] * values_[64 + j]);
    const std::vector<float> got = floats(out.get(t.name));
    for (std::size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 1e-5f) << t.name;
  }
  EXPECT_TRUE(std::filesystem::exists(path("out/tokenizer.json")));
  EXPECT_TRUE(weights::read_model_config(path("out")).tie_word_embeddings);
}

TEST_F(MergeAdapter, UntiesWhatTheAdapterMakesDifferent) {
  config_.modules_to_save = {"lm_head"};
  add(AdapterRole::lora_a, kQ, {2, 64});
  add(AdapterRole::lora_b, kQ, {64, 2});
  add(AdapterRole::parameter, "lm_head.weight", {264, 64});
  merge({.dtype = Storage::f32});
  const WeightFile out = WeightFile::open(path("out"));
  EXPECT_EQ(floats(out.get("lm_head.weight")), values_);
  EXPECT_EQ(floats(out.get("model.embed_tokens.weight")),
            floats(WeightFile::open(path("base")).get("model.embed_tokens.weight")));
  EXPECT_FALSE(weights::read_model_config(path("out")).tie_word_embeddings);
}

TEST_F(MergeAdapter, KeepsTheBaseTypeAndShards) {
  add(AdapterRole::lora_a, kQ, {2, 64});
  add(AdapterRole::lora_b, kQ, {64, 2});
  export_model(path("base"), path("brain"), {.dtype = Storage::bf16});
  adapter::write_adapter(path("adapter"), config_, tensors_);
  merge_adapter(path("brain"), path("adapter"), path("out"), {.max_shard_bytes = 50'000});
  const WeightFile base = WeightFile::open(path("brain"));
  const WeightFile out = WeightFile::open(path("out"));
  EXPECT_TRUE(std::filesystem::exists(path("out/model.safetensors.index.json")));
  EXPECT_EQ(out.get(kQ + ".weight").storage, Storage::bf16);
  const std::vector<float> before = floats(base.get(kQ + ".weight"));
  const std::vector<float> after = floats(out.get(kQ + ".weight"));
  for (std::size_t j = 0; j < 64; ++j)
    EXPECT_NEAR(after[j],
                before[j] + 3.0f * (values_[0] * values_[j] + values_[1] * values_[64 + j]),
                0.004f * std::abs(after[j]) + 1e-6f);
}

TEST_F(MergeAdapter, GgufBasesMergeToo) {
  add(AdapterRole::lora_a, kQ, {2, 64});
  add(AdapterRole::lora_b, kQ, {64, 2});
  merge();
  export_model(path("base"), path("base.gguf"), {});
  merge_adapter(path("base.gguf"), path("adapter"), path("from_gguf"), {});
  EXPECT_EQ(floats(WeightFile::open(path("from_gguf")).get(kQ + ".weight")),
            floats(WeightFile::open(path("out")).get(kQ + ".weight")));
}

TEST_F(MergeAdapter, RefusesAdaptersOfAnotherBase) {
  add(AdapterRole::lora_a, kQ, {2, 32});
  add(AdapterRole::lora_b, kQ, {64, 2});
  EXPECT_NE(refusal().find("does not fit"), std::string::npos);
  add(AdapterRole::lora_a, "model.layers.7.self_attn.q_proj", {2, 64});
  add(AdapterRole::lora_b, "model.layers.7.self_attn.q_proj", {64, 2});
  config_.target_modules.names = {"q_proj"};
  config_.layers_to_transform = {1, 7};
  const std::string surplus = refusal();
  EXPECT_NE(surplus.find("2 tensors have no counterpart"), std::string::npos) << surplus;
  EXPECT_NE(surplus.find("layers.7"), std::string::npos) << surplus;
  config_.layers_to_transform = {1};
  tensors_.clear();
  add(AdapterRole::lora_a, kQ, {2, 64});
  add(AdapterRole::lora_b, kQ, {64, 2});
  config_.modules_to_save = {"model.norm"};
  add(AdapterRole::parameter, "model.norm.weight", {32});
  EXPECT_NE(refusal().find("another shape"), std::string::npos);
}

TEST_F(MergeAdapter, RefusesAdaptersThatLackDeclaredTensors) {
  add(AdapterRole::lora_a, kQ, {2, 64});
  add(AdapterRole::lora_b, kQ, {64, 2});
  const auto lacks = [&](const std::string& count, const std::string& name) {
    const std::string text = refusal();
    EXPECT_NE(text.find("lacks " + count), std::string::npos) << text;
    EXPECT_NE(text.find(name), std::string::npos) << text;
  };
  config_.target_modules.names = {"q_proj"};  // of two layers
  lacks("2 of the 4", "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
  config_.target_modules.names = {kQ, "v_proj"};
  lacks("4 of the 6", "v_proj.lora_A.weight");
  config_.target_modules = {{}, "all-linear"};
  lacks("26 of the 28", " and 22 more");
  config_.target_modules = {{kQ}, ""};
  config_.modules_to_save = {"lm_head"};  // tied: it is a module all the same
  lacks("1 of the 3", "base_model.model.lm_head.weight");
  config_.modules_to_save = {"norm"};  // and the ends of other names
  lacks("5 of the 7", "model.norm.weight");
  config_.modules_to_save.clear();
  config_.trainable_tokens = {3};
  lacks("1 of the 3", "embed_tokens.token_adapter.trainable_tokens_delta");
}

TEST_F(MergeAdapter, RefusesAdaptersThatLackTrainedBiases) {
  testing::write_tiny_model(path("base"), /*bias=*/true);
  add(AdapterRole::lora_a, kQ, {2, 64});
  add(AdapterRole::lora_b, kQ, {64, 2});
  config_.bias = "lora_only";
  std::string text = refusal();
  EXPECT_NE(text.find("lacks 1 of the 3"), std::string::npos) << text;
  config_.bias = "all";
  text = refusal();
  EXPECT_NE(text.find("lacks 8 of the 10"), std::string::npos) << text;
}

TEST_F(MergeAdapter, NamesThatMatchNothingAreToldNotRefused) {
  add(AdapterRole::lora_a, kQ, {2, 64});
  add(AdapterRole::lora_b, kQ, {64, 2});
  config_.target_modules.names = {kQ, "gate_porj", "c_attn"};
  config_.rank_pattern = {{"v_proj", 3}};
  ::testing::internal::CaptureStderr();
  merge();
  const std::string told = ::testing::internal::GetCapturedStderr();
  for (const char* part : {"target_modules: 'gate_porj' matches no module", "'gate_proj'?",
                           "'c_attn' matches no module", "rank_pattern: 'v_proj'"})
    EXPECT_NE(told.find(part), std::string::npos) << told;
}

TEST_F(MergeAdapter, RefusesNanAndInfinityByName) {
  add(AdapterRole::lora_a, kQ, {2, 64});
  add(AdapterRole::lora_b, kQ, {64, 2});
  const float good = values_[70];
  values_[70] = std::nanf("");
  std::string text = refusal();
  EXPECT_NE(text.find("adapter_model.safetensors: tensor 'base_model.model." + kQ),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("at element 70"), std::string::npos) << text;
  values_[70] = good;
  testing::spoil(path("base"), "model.norm.weight", 9, -HUGE_VALF);  // merging leaves it as it is
  text = refusal();
  EXPECT_NE(
      text.find("model.safetensors: tensor 'model.norm.weight' at element 9: the value is -inf"),
      std::string::npos)
      << text;
}

TEST_F(MergeAdapter, RefusesValuesThatTheTypeCannotHold) {
  add(AdapterRole::lora_a, kQ, {2, 64});
  add(AdapterRole::lora_b, kQ, {64, 2});
  config_.lora_alpha = 1e6;
  adapter::write_adapter(path("adapter"), config_, tensors_);
  try {
    merge_adapter(path("base"), path("adapter"), path("out"), {.dtype = Storage::f16});
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::input);
    EXPECT_NE(e.message().find("tensor '" + kQ + ".weight'"), std::string::npos) << e.what();
    EXPECT_NE(e.message().find("is too large for F16"), std::string::npos) << e.what();
    EXPECT_EQ(e.hint(), "BF16 and F32 hold it");
  }
  EXPECT_FALSE(std::filesystem::exists(path("out")));
  merge_adapter(path("base"), path("adapter"), path("out"), {.dtype = Storage::bf16});
}

TEST_F(MergeAdapter, EqualsPeftOnTheOracles) {
  const std::filesystem::path root = test::oracle_root();
  if (!std::filesystem::exists(root / "peft")) GTEST_SKIP() << root << " is not there";
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root / "peft")) {
    const std::string name = entry.path().filename().string();
    const std::string out = path(name);
    try {
      const auto config = adapter::read_peft_config(entry.path().string());
      merge_adapter((entry.path() / config.base_model_name_or_path).string(), entry.path().string(),
                    out, {});
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::unsupported) << name << ": " << e.what();
      std::printf("skipped %s: %s\n", name.c_str(), e.message().c_str());
      continue;
    }
    const WeightFile merged = WeightFile::open(out);
    const WeightFile oracle = WeightFile::open((entry.path() / "oracle.safetensors").string());
    double worst = 0.0;
    int compared = 0;
    for (const weights::TensorEntry& t : oracle.tensors()) {
      if (!t.name.starts_with("merged.")) continue;
      const std::vector<float> want = floats(t);
      const weights::TensorEntry& ours = merged.get(t.name.substr(7));
      ASSERT_EQ(ours.shape, t.shape) << name << " " << t.name;
      const std::vector<float> got = floats(ours);
      for (std::size_t i = 0; i < want.size(); ++i)
        worst = std::max(worst, static_cast<double>(std::abs(got[i] - want[i])));
      ++compared;
    }
    std::printf("%-24s %3d tensors, worst difference %.2g\n", name.c_str(), compared, worst);
    EXPECT_LT(worst, 1e-5) << name;
    EXPECT_GT(compared, 0) << name;
    ++cases;
  }
  EXPECT_GT(cases, 0);
}

}  // namespace
}  // namespace axl::checkpoint
