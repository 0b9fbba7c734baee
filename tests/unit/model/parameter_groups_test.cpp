// Learning rates and weight decay by parameter. What is expected was printed by Axolotl 0.19's
// create_optimizer_grouped_parameters and PEFT 0.20's create_loraplus_optimizer for such models.
#include <map>

#include "unit/model/tiny_model.hpp"

namespace axl::test {
namespace {

struct Group {
  double lr_scale;
  bool decay;
  bool operator==(const Group&) const = default;
};
void PrintTo(const Group& g, std::ostream* out) { *out << g.lr_scale << " " << g.decay; }

std::map<std::string, Group> groups(const model::TrainingMode& training) {
  const TinyWeights weights({.layers = 1});
  model::DecoderOptions options;
  options.training = training;
  TinyDecoder tiny(weights, options);
  std::map<std::string, Group> out;
  for (const tensor::Parameter& p : tiny.decoder.parameters().all()) {
    const std::string prefix = "base_model.model.";
    out[p.name.starts_with(prefix) ? p.name.substr(prefix.size()) : p.name] = {p.lr_scale, p.decay};
  }
  return out;
}

model::TrainingMode lora(std::vector<std::string> targets) {
  model::TrainingMode mode;
  mode.lora = tiny_lora();
  mode.lora->target_modules.names = std::move(targets);
  return mode;
}

const std::string kQ = "model.layers.0.self_attn.q_proj.";
constexpr Group kPlain{1.0, true};

TEST(ParameterGroups, AFullModelDecaysAllButNorms) {
  model::TrainingMode mode;
  mode.full = true;
  const auto plain = groups(mode);
  EXPECT_EQ(plain.at("model.embed_tokens.weight"), kPlain);
  EXPECT_EQ(plain.at(kQ + "weight"), kPlain);
  EXPECT_EQ(plain.at("model.norm.weight"), (Group{1.0, false}));
  mode.embedding_group = true;
  mode.embedding_lr = 0.05;
  const auto grouped = groups(mode);
  EXPECT_EQ(grouped.at("model.embed_tokens.weight"), (Group{0.05, false}));
  EXPECT_EQ(grouped.at("lm_head.weight"), (Group{0.05, false}));
  EXPECT_EQ(grouped.at(kQ + "weight"), kPlain);
  EXPECT_EQ(grouped.at("model.norm.weight"), (Group{1.0, false}));
}

TEST(ParameterGroups, TheEmbeddingRateReachesAdaptersOfTheEnds) {
  model::TrainingMode mode = lora({"embed_tokens", "lm_head", "q_proj"});
  mode.embedding_group = true;
  mode.embedding_lr = 0.05;
  const auto g = groups(mode);
  for (const char* name :
       {"lm_head.lora_A.weight", "lm_head.lora_B.weight", "model.embed_tokens.lora_embedding_A",
        "model.embed_tokens.lora_embedding_B"})
    EXPECT_EQ(g.at(name), (Group{0.05, false})) << name;
  EXPECT_EQ(g.at(kQ + "lora_A.weight"), kPlain);
  EXPECT_EQ(g.at(kQ + "lora_B.weight"), kPlain);
}

TEST(ParameterGroups, TheEmbeddingRateReachesTokenRowsAndSavedModules) {
  model::TrainingMode mode = lora({"q_proj"});
  mode.embedding_group = true;
  mode.embedding_lr = 0.05;
  mode.lora->trainable_tokens = {3, 4};
  mode.lora->modules_to_save = {"o_proj", "norm"};
  int apart = 0;
  for (const auto& [name, group] : groups(mode)) {
    const bool adapter = name.find(".lora_") != std::string::npos;
    EXPECT_EQ(group, adapter ? kPlain : (Group{0.05, false})) << name;
    apart += adapter ? 0 : 1;
  }
  EXPECT_EQ(apart, 5) << "the token rows, o_proj and three norms";
}

TEST(ParameterGroups, LoraPlusSpeedsUpBAndVectorsAndDecaysNothing) {
  model::TrainingMode mode = lora({"q_proj"});
  mode.lora->use_dora = true;
  mode.lora->modules_to_save = {"embed_tokens", "norm"};
  mode.lora_plus_ratio = 4.0;
  mode.embedding_group = true;  // PEFT's groups replace those of embedding_lr
  mode.embedding_lr = 0.05;
  const auto g = groups(mode);
  const Group slow{1.0, false}, fast{4.0, false};
  EXPECT_EQ(g.at(kQ + "lora_A.weight"), slow);
  EXPECT_EQ(g.at(kQ + "lora_B.weight"), fast);
  EXPECT_EQ(g.at(kQ + "lora_magnitude_vector"), fast);
  EXPECT_EQ(g.at("model.embed_tokens.weight"), slow);
  EXPECT_EQ(g.at("model.norm.weight"), fast);
}

TEST(ParameterGroups, LoraPlusLeavesAnEmbeddingsAdapterAtTheRunsRate) {
  model::TrainingMode mode = lora({"embed_tokens", "lm_head"});
  mode.lora_plus_ratio = 4.0;
  auto g = groups(mode);
  EXPECT_EQ(g.at("model.embed_tokens.lora_embedding_A"), (Group{1.0, false}));
  EXPECT_EQ(g.at("model.embed_tokens.lora_embedding_B"), (Group{1.0, false}));
  EXPECT_EQ(g.at("lm_head.lora_B.weight"), (Group{4.0, false}));
  mode.embedding_adapter_lr = 0.01;  // asked for
  g = groups(mode);
  EXPECT_EQ(g.at("model.embed_tokens.lora_embedding_A"), (Group{0.01, false}));
  EXPECT_EQ(g.at("model.embed_tokens.lora_embedding_B"), (Group{0.01, false}));
}

}  // namespace
}  // namespace axl::test
