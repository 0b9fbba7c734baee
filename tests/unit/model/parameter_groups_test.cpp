// Learning rates and weight decay by parameter. What is expected was printed by Axolotl 0.19's
// create_optimizer_grouped_parameters and PEFT 0.20's create_loraplus_optimizer for such models.
#include <map>

#include "optim/groups.hpp"
#include "unit/model/tiny_model.hpp"

namespace axl::test {
namespace {

using optim::Group;

/// What is trained, and the configuration's rates for it.
struct Case {
  model::TrainingMode mode;
  optim::GroupOptions options;
};

std::map<std::string, Group> groups(const Case& c, double learning_rate = 1.0) {
  const TinyWeights weights({.layers = 1});
  model::DecoderOptions options;
  options.training = c.mode;
  TinyDecoder tiny(weights, options);
  optim::GroupOptions rates = c.options;
  rates.adapter = c.mode.lora.has_value();
  std::map<std::string, Group> out;
  for (const tensor::Parameter& p : tiny.decoder.parameters().all()) {
    const std::string prefix = "base_model.model.";
    out[p.name.starts_with(prefix) ? p.name.substr(prefix.size()) : p.name] =
        optim::group_of(p, learning_rate, rates);
  }
  return out;
}

Case lora(std::vector<std::string> targets) {
  Case c;
  c.mode.lora = tiny_lora();
  c.mode.lora->target_modules.names = std::move(targets);
  return c;
}

const std::string kQ = "model.layers.0.self_attn.q_proj.";
constexpr Group kPlain{1.0, true};

TEST(ParameterGroups, AFullModelDecaysAllButNorms) {
  Case c;
  c.mode.full = true;
  const auto plain = groups(c);
  EXPECT_EQ(plain.at("model.embed_tokens.weight"), kPlain);
  EXPECT_EQ(plain.at(kQ + "weight"), kPlain);
  EXPECT_EQ(plain.at("model.norm.weight"), (Group{1.0, false}));
  c.options.embedding_group = true;
  c.options.embedding_lr = 0.05;
  const auto grouped = groups(c);
  EXPECT_EQ(grouped.at("model.embed_tokens.weight"), (Group{0.05, false}));
  EXPECT_EQ(grouped.at("lm_head.weight"), (Group{0.05, false}));
  EXPECT_EQ(grouped.at(kQ + "weight"), kPlain);
  EXPECT_EQ(grouped.at("model.norm.weight"), (Group{1.0, false}));
}

TEST(ParameterGroups, TheEmbeddingRateReachesAdaptersOfTheEnds) {
  Case c = lora({"embed_tokens", "lm_head", "q_proj"});
  c.options.embedding_group = true;
  c.options.embedding_lr = 0.05;
  const auto g = groups(c);
  for (const char* name :
       {"lm_head.lora_A.weight", "lm_head.lora_B.weight", "model.embed_tokens.lora_embedding_A",
        "model.embed_tokens.lora_embedding_B"})
    EXPECT_EQ(g.at(name), (Group{0.05, false})) << name;
  EXPECT_EQ(g.at(kQ + "lora_A.weight"), kPlain);
  EXPECT_EQ(g.at(kQ + "lora_B.weight"), kPlain);
}

TEST(ParameterGroups, TheEmbeddingRateReachesTokenRowsAndSavedModules) {
  Case c = lora({"q_proj"});
  c.options.embedding_group = true;
  c.options.embedding_lr = 0.05;
  c.mode.lora->trainable_tokens = {3, 4};
  c.mode.lora->modules_to_save = {"o_proj", "norm"};
  int apart = 0;
  for (const auto& [name, group] : groups(c)) {
    const bool adapter = name.find(".lora_") != std::string::npos;
    EXPECT_EQ(group, adapter ? kPlain : (Group{0.05, false})) << name;
    apart += adapter ? 0 : 1;
  }
  EXPECT_EQ(apart, 5) << "the token rows, o_proj and three norms";
}

TEST(ParameterGroups, LoraPlusSpeedsUpBAndVectorsAndDecaysNothing) {
  Case c = lora({"q_proj"});
  c.mode.lora->use_dora = true;
  c.mode.lora->modules_to_save = {"embed_tokens", "norm"};
  c.options.lora_plus_ratio = 4.0;
  c.options.embedding_group = true;  // PEFT's groups replace those of embedding_lr
  c.options.embedding_lr = 0.05;
  const auto g = groups(c);
  const Group slow{1.0, false}, fast{4.0, false};
  EXPECT_EQ(g.at(kQ + "lora_A.weight"), slow);
  EXPECT_EQ(g.at(kQ + "lora_B.weight"), fast);
  EXPECT_EQ(g.at(kQ + "lora_magnitude_vector"), fast);
  EXPECT_EQ(g.at("model.embed_tokens.weight"), slow);
  EXPECT_EQ(g.at("model.norm.weight"), fast);
}

TEST(ParameterGroups, LoraPlusLeavesAnEmbeddingsAdapterAtTheRunsRate) {
  Case c = lora({"embed_tokens", "lm_head"});
  c.options.lora_plus_ratio = 4.0;
  auto g = groups(c);
  EXPECT_EQ(g.at("model.embed_tokens.lora_embedding_A"), (Group{1.0, false}));
  EXPECT_EQ(g.at("model.embed_tokens.lora_embedding_B"), (Group{1.0, false}));
  EXPECT_EQ(g.at("lm_head.lora_B.weight"), (Group{4.0, false}));
  c.options.embedding_adapter_lr = 0.01;  // asked for
  g = groups(c);
  EXPECT_EQ(g.at("model.embed_tokens.lora_embedding_A"), (Group{0.01, false}));
  EXPECT_EQ(g.at("model.embed_tokens.lora_embedding_B"), (Group{0.01, false}));
}

TEST(ParameterGroups, RatesOfTheirOwnNeedNoRateOfTheRun) {
  Case c = lora({"embed_tokens", "q_proj"});
  c.options.embedding_group = true;
  c.options.embedding_lr = 0.05;
  for (const double rate : {0.0, 2.0}) {
    const auto g = groups(c, rate);
    EXPECT_EQ(g.at("model.embed_tokens.lora_embedding_A"), (Group{0.05, false}));
    EXPECT_EQ(g.at(kQ + "lora_B.weight"), (Group{rate, true}));
  }
  c.options.embedding_lr_scale = 0.25;  // wins, and is a share of the run's
  EXPECT_EQ(groups(c, 2.0).at("model.embed_tokens.lora_embedding_A"), (Group{0.5, false}));
  EXPECT_EQ(groups(c, 0.0).at("model.embed_tokens.lora_embedding_A"), (Group{0.0, false}));
}

TEST(ParameterGroups, RolesAreToldWhereParametersAreMade) {
  Case c = lora({"lm_head", "q_proj"});
  c.options.embedding_group = true;
  c.options.embedding_lr = 0.05;
  const auto g = groups(c);
  EXPECT_EQ(g.at("lm_head.lora_A.weight"), (Group{0.05, false}));
  EXPECT_EQ(g.at("lm_head.lora_B.weight"), (Group{0.05, false}));
  EXPECT_EQ(g.at(kQ + "lora_A.weight"), (Group{1.0, true}));
}

}  // namespace
}  // namespace axl::test
