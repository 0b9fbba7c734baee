#include "adapter/peft_files.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "core/json.hpp"
#include "support/paths.hpp"

namespace axl::adapter {
namespace {

namespace fs = std::filesystem;

class PeftFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("axl_peft_" +
               std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + "_" +
               std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void config(const nlohmann::json& json) const {
    std::ofstream(folder_ / "adapter_config.json") << json.dump();
  }
  static nlohmann::json lora() {
    return {{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 4}, {"target_modules", {"q_proj"}}};
  }
  ErrorCode refusal_of(const nlohmann::json& json, const std::string& says) const {
    config(json);
    try {
      read_peft_config(folder_.string());
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(says), std::string::npos) << e.what();
      return e.code();
    }
    ADD_FAILURE() << "accepted " << json;
    return ErrorCode::internal;
  }
  fs::path folder_;
};

const std::string kQ = "model.layers.0.self_attn.q_proj";
const std::string kUp = "model.layers.11.mlp.up_proj";

TEST_F(PeftFiles, TargetsByListExpressionAndLayer) {
  PeftConfig c;
  c.target_modules.names = {"q_proj", "up_proj"};
  EXPECT_TRUE(c.targets(kQ));
  EXPECT_FALSE(c.targets("model.layers.0.self_attn.xq_proj"));
  EXPECT_FALSE(c.targets("model.layers.0.self_attn.v_proj"));
  c.exclude_modules.names = {"up_proj"};
  EXPECT_FALSE(c.targets(kUp));
  c.exclude_modules = {{}, ".*q_proj"};
  EXPECT_FALSE(c.targets(kQ));
  c.exclude_modules = {};
  c.layers_to_transform = {11};
  EXPECT_FALSE(c.targets(kQ));
  EXPECT_TRUE(c.targets(kUp));
  c.layers_pattern = {"layers"};
  EXPECT_TRUE(c.targets(kUp));
  c.layers_pattern = {"blocks"};
  EXPECT_FALSE(c.targets(kUp));
  c = {};
  c.target_modules.expression = R"(.*\.layers\.0\..*(q|up)_proj)";
  EXPECT_TRUE(c.targets(kQ));
  EXPECT_FALSE(c.targets(kUp));
  EXPECT_FALSE(c.targets(kQ + ".inner"));
  c.target_modules.expression = "all-linear";
  EXPECT_TRUE(c.targets(kUp));
  EXPECT_FALSE(c.targets("lm_head"));
  c.modules_to_save = {"up_proj"};
  EXPECT_FALSE(c.targets(kUp));
  EXPECT_TRUE(c.saves_whole(kUp));
  EXPECT_FALSE(c.saves_whole(kQ));
  // PEFT takes any name that ends so, and what lies inside.
  c.modules_to_save = {"norm", "mlp"};
  EXPECT_TRUE(c.saves_whole("model.layers.0.post_attention_layernorm"));
  EXPECT_TRUE(c.saves_whole(kUp));
  EXPECT_FALSE(c.saves_whole(kQ));
}

TEST_F(PeftFiles, ThePatternThatComesFirstInTheFileWins) {
  std::ofstream(folder_ / "adapter_config.json")
      << R"({"peft_type": "LORA", "target_modules": ["q_proj"], "init_lora_weights": "gaussian",
             "layers_to_transform": 0, "rank_pattern": {"q_proj": 2, "layers.0.self_attn.q_proj": 6}})";
  const PeftConfig c = read_peft_config(folder_.string());
  EXPECT_EQ(c.rank_of(kQ), 2);
  const nlohmann::json written = axl::parse_json<nlohmann::json>(peft_config_json(c));
  EXPECT_EQ(written.at("init_lora_weights"), "gaussian");
  EXPECT_EQ(written.at("layers_to_transform"), 0);
}

TEST_F(PeftFiles, SavesTheEmbeddingAsPeftDoes) {
  PeftConfig c;
  c.target_modules.names = {"q_proj", "lm_head"};
  EXPECT_TRUE(saves_base_copy(c, "lm_head"));
  EXPECT_FALSE(saves_base_copy(c, "model.embed_tokens"));
  c.trainable_tokens = {1};
  EXPECT_FALSE(saves_base_copy(c, "lm_head"));
  c = {};
  c.target_modules.expression = ".*tokens|.*q_proj";
  EXPECT_TRUE(saves_base_copy(c, "model.embed_tokens"));
}

TEST_F(PeftFiles, RanksAndScalesByPattern) {
  PeftConfig c;
  c.r = 4;
  c.lora_alpha = 9;
  c.rank_pattern = {{"model.layers.0.self_attn.v_proj", 2}, {"q_proj", 8}, {"up_proj|o_proj", 16}};
  c.alpha_pattern = {{"up_proj", 5}};
  EXPECT_EQ(c.rank_of(kQ), 8);
  EXPECT_EQ(c.rank_of("model.layers.0.self_attn.v_proj"), 2);
  EXPECT_EQ(c.rank_of("model.layers.1.self_attn.v_proj"), 4);
  EXPECT_EQ(c.rank_of(kUp), 16);
  EXPECT_EQ(c.scaling_of(kUp), 5.0 / 16.0);
  c.use_rslora = true;
  EXPECT_EQ(c.scaling_of(kQ), 9.0 / std::sqrt(8.0));
}

TEST_F(PeftFiles, BadExpressionsAreRefusedAndBounded) {
  PeftConfig c;
  c.target_modules.expression = "(";
  EXPECT_THROW(c.targets(kQ), Error);
  c.target_modules.expression = "(((a+)+)+)+$";
  EXPECT_THROW(c.targets(std::string(200, 'a') + "b"), Error);
}

TEST_F(PeftFiles, ConfigsSurviveARoundTrip) {
  PeftConfig c;
  c.r = 16;
  c.lora_alpha = 32;
  c.lora_dropout = 0.05;
  c.use_rslora = true;
  c.bias = "lora_only";
  c.target_modules.names = {"q_proj", "v_proj"};
  c.exclude_modules.expression = "x.*";
  c.modules_to_save = {"lm_head"};
  c.rank_pattern = {{"q_proj", 4}};
  c.alpha_pattern = {{"q_proj", 2.5}};
  c.layers_to_transform = {1, 2};
  c.layers_pattern = {"layers"};
  c.use_dora = true;
  c.trainable_tokens = {5, 17};
  c.base_model_name_or_path = "base";
  const std::string text = peft_config_json(c);
  std::ofstream(folder_ / "adapter_config.json") << text;
  EXPECT_EQ(peft_config_json(read_peft_config(folder_.string())), text);
  EXPECT_NE(text.find("\"lora_alpha\": 32,"), std::string::npos);
}

TEST_F(PeftFiles, NamesWhatItDoesNotSupport) {
  const struct {
    const char* key;
    nlohmann::json value;
  } features[] = {{"lora_bias", true},
                  {"layer_replication", {{0, 1}}},
                  {"trainable_token_indices", {{"lm_head", {1}}}},
                  {"target_parameters", {"x"}},
                  {"loftq_config", {{"bits", 4}}},
                  {"init_lora_weights", "pissa"},
                  {"peft_type", "LOHA"},
                  {"use_something_new", true}};
  for (const auto& f : features) {
    nlohmann::json json = lora();
    json[f.key] = f.value;
    EXPECT_EQ(refusal_of(json, f.key == std::string("peft_type") ? "LOHA" : f.key),
              ErrorCode::unsupported);
  }
  nlohmann::json off = lora();
  off["use_qalora"] = false;
  off["loftq_config"] = nlohmann::json::object();
  off["use_something_new"] = nullptr;
  config(off);
  EXPECT_EQ(read_peft_config(folder_.string()).r, 2);
}

TEST_F(PeftFiles, RefusesWrongConfigsByName) {
  const struct {
    const char* key;
    nlohmann::json value;
  } cases[] = {{"r", 0},
               {"r", "four"},
               {"r", 1e20},
               {"r", -3},
               {"lora_alpha", "x"},
               {"lora_dropout", 2.0},
               {"bias", "some"},
               {"target_modules", {}},
               {"target_modules", {1}},
               {"rank_pattern", {{"q", -1}}},
               {"layers_to_transform", {-1}},
               {"modules_to_save", 7},
               {"use_rslora", "yes"}};
  for (const auto& c : cases) {
    nlohmann::json json = lora();
    json[c.key] = c.value;
    EXPECT_EQ(refusal_of(json, c.key), ErrorCode::input);
  }
  EXPECT_THROW(read_peft_config((folder_ / "absent").string()), Error);
}

TEST_F(PeftFiles, AdaptersAreWrittenAndReadBack) {
  PeftConfig c;
  c.r = 2;
  c.target_modules.names = {"q_proj", "embed_tokens"};
  c.modules_to_save = {"lm_head"};
  const std::vector<float> values(64, 0.5f);
  const auto tensor = [&](AdapterRole role, const std::string& name,
                          std::vector<std::int64_t> shape) {
    return weights::float_tensor(adapter_tensor_name(role, name, c), std::move(shape),
                                 values.data());
  };
  write_adapter(folder_.string(), c,
                {tensor(AdapterRole::lora_b, kQ, {3, 2}), tensor(AdapterRole::lora_a, kQ, {2, 5}),
                 tensor(AdapterRole::embedding_a, "model.embed_tokens", {2, 7}),
                 tensor(AdapterRole::embedding_b, "model.embed_tokens", {4, 2}),
                 tensor(AdapterRole::base_copy, "model.embed_tokens.weight", {7, 4}),
                 tensor(AdapterRole::parameter, "lm_head.weight", {7, 4})});
  const AdapterFiles in = AdapterFiles::open(folder_.string());
  ASSERT_EQ(in.tensors().size(), 6u);
  EXPECT_EQ(in.find(AdapterRole::lora_a, kQ)->shape, (std::vector<std::int64_t>{2, 5}));
  EXPECT_EQ(in.find(AdapterRole::base_copy, "model.embed_tokens.weight")->name,
            "base_model.model.model.embed_tokens.base_layer.weight");
  EXPECT_EQ(in.find(AdapterRole::parameter, "lm_head.weight")->name,
            "base_model.model.lm_head.weight");
  EXPECT_EQ(in.find(AdapterRole::lora_a, "other"), nullptr);
}

TEST_F(PeftFiles, RefusesAdaptersThatDoNotFitTheirConfig) {
  PeftConfig c;
  c.r = 2;
  c.target_modules.names = {"q_proj"};
  const std::vector<float> values(64, 0.5f);
  const auto fails = [&](const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& in,
                         const std::string& says) {
    std::vector<weights::TensorToWrite> tensors;
    for (const auto& [name, shape] : in)
      tensors.push_back(weights::float_tensor(name, shape, values.data()));
    write_adapter(folder_.string(), c, std::move(tensors));
    try {
      AdapterFiles::open(folder_.string());
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(says), std::string::npos) << e.what();
    }
  };
  const std::string q = "base_model.model." + kQ;
  const std::string v = "base_model.model.model.layers.0.self_attn.v_proj";
  fails({{q + ".lora_A.weight", {2, 5}}}, "no partner");
  fails({{q + ".lora_A.weight", {3, 5}}, {q + ".lora_B.weight", {4, 3}}}, "its rank is 2");
  fails({{v + ".lora_A.weight", {2, 5}}, {v + ".lora_B.weight", {4, 2}}}, "does not target");
  fails({{kQ + ".lora_A.weight", {2, 5}}}, "does not start with");
  fails({{q + ".lora_magnitude_vector", {5}}}, "DoRA");
  fails({{"base_model.model.lm_head.weight", {4, 4}}}, "no LoRA tensors");
  fails({}, "no LoRA tensors");
  c.trainable_tokens = {1, 2, 5};
  fails({{"base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta", {2, 4}}},
        "names 3 tokens");
  c.use_dora = true;
  fails({{q + ".lora_A.weight", {2, 5}}, {q + ".lora_B.weight", {4, 2}}},
        "has no lora_magnitude_vector");
  fails({{q + ".lora_magnitude_vector", {4}}}, "has no partner lora_A");
}

TEST_F(PeftFiles, ReadsTheAdaptersThatPeftWrote) {
  const fs::path root = fs::path(test::oracle_root()) / "peft";
  if (!fs::exists(root)) GTEST_SKIP() << root << " is not there";
  int read = 0;
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    try {
      const AdapterFiles in = AdapterFiles::open(entry.path().string());
      std::ifstream file(entry.path() / "adapter_config.json");
      const auto theirs = axl::parse_json<nlohmann::json>(file);
      EXPECT_EQ(axl::parse_json<nlohmann::json>(peft_config_json(in.config())), theirs) << name;
      for (const AdapterTensor& t : in.tensors())
        EXPECT_EQ(adapter_tensor_name(t.role, t.name, in.config()), t.entry->name) << name;
      ++read;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::unsupported) << name << ": " << e.what();
      std::printf("skipped %s: %s\n", name.c_str(), e.what());
    }
  }
  std::printf("%d adapters read\n", read);
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace axl::adapter
