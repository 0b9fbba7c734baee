#include "weights/model_config.hpp"

#include <cstdlib>

#include "core/json.hpp"
#include "support/paths.hpp"
#include "weights_testing.hpp"

namespace axl::weights {
namespace {

using testing::refusal;

class ModelConfigFile : public testing::Scratch {
 protected:
  static nlohmann::json llama() {
    return {{"architectures", {"LlamaForCausalLM"}},
            {"model_type", "llama"},
            {"vocab_size", 512},
            {"hidden_size", 64},
            {"intermediate_size", 112},
            {"num_hidden_layers", 2},
            {"num_attention_heads", 4},
            {"num_key_value_heads", 2},
            {"max_position_embeddings", 128},
            {"rms_norm_eps", 1e-5},
            {"bos_token_id", 1},
            {"eos_token_id", {2, 3}}};
  }
  ModelConfig read(const nlohmann::json& json) const {
    return read_model_config(write("config.json", json.dump()));
  }
};

TEST_F(ModelConfigFile, ReadsBothStyles) {
  nlohmann::json old = llama();
  old["rope_theta"] = 50000.0;
  old["torch_dtype"] = "torch.bfloat16";
  old["rope_scaling"] = {{"type", "linear"}, {"factor", 4.0}};
  nlohmann::json young = llama();
  young["dtype"] = "bfloat16";
  young["rope_parameters"] = {{"rope_type", "linear"}, {"factor", 4.0}, {"rope_theta", 50000.0}};
  for (const nlohmann::json& json : {old, young}) {
    const ModelConfig c = read(json);
    EXPECT_EQ(c.architecture, "LlamaForCausalLM");
    EXPECT_EQ(c.head_dim, 16);
    EXPECT_EQ(c.num_key_value_heads, 2);
    EXPECT_EQ(c.rms_norm_eps, 1e-5);
    EXPECT_EQ(c.torch_dtype, "bfloat16");
    EXPECT_EQ(c.rope.type, "linear");
    EXPECT_EQ(c.rope.factor, 4.0);
    EXPECT_EQ(c.rope.theta, 50000.0);
    EXPECT_EQ(c.eos_token_id, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(c.bos_token_id, (std::vector<std::int64_t>{1}));
    EXPECT_EQ(c.pad_token_id, -1);
  }
}

TEST_F(ModelConfigFile, ReadsEveryScaling) {
  nlohmann::json json = llama();
  json["rope_parameters"] = {{"rope_type", "llama3"},
                             {"factor", 8.0},
                             {"low_freq_factor", 1.0},
                             {"high_freq_factor", 4.0},
                             {"original_max_position_embeddings", 16}};
  EXPECT_EQ(read(json).rope.original_max_position_embeddings, 16);
  json["rope_parameters"] = {{"rope_type", "yarn"}, {"original_max_position_embeddings", 32}};
  EXPECT_EQ(read(json).rope.factor, 4.0);
  json["rope_parameters"] = {{"rope_type", "dynamic"}, {"factor", 2.0}};
  EXPECT_EQ(read(json).rope.original_max_position_embeddings, 128);
  json["rope_parameters"] = {{"rope_type", "spiral"}, {"factor", 2.0}};
  EXPECT_NE(refusal([&] { read(json); }).find("'spiral'"), std::string::npos);
  json["rope_parameters"] = {{"rope_type", "llama3"}, {"factor", 8.0}};
  EXPECT_NE(refusal([&] { read(json); }).find("rope_parameters.low_freq_factor"),
            std::string::npos);
}

TEST_F(ModelConfigFile, TakesRopeFieldsWhereTransformersDoes) {
  nlohmann::json json = llama();
  json["rope_theta"] = 5000.0;
  json["rope_parameters"] = {{"rope_type", "linear"}, {"factor", 2.0}, {"rope_theta", 7.0}};
  json["rope_scaling"] = {
      {"type", "dynamic"}, {"factor", 3.0}, {"original_max_position_embeddings", 16}};
  const ModelConfig older = read(json);
  EXPECT_EQ(older.rope.type, "dynamic");
  EXPECT_EQ(older.rope.theta, 5000.0);
  EXPECT_EQ(older.rope.original_max_position_embeddings, 128);
  json["rope_scaling"] = nlohmann::json::object();
  EXPECT_EQ(read(json).rope.type, "linear");
  json["rope_scaling"] = {
      {"type", "yarn"}, {"factor", 3.0}, {"original_max_position_embeddings", 16}};
  json["original_max_position_embeddings"] = 8;
  EXPECT_EQ(read(json).rope.original_max_position_embeddings, 8);
}

TEST_F(ModelConfigFile, CountsPaddingAsTorchDoes) {
  nlohmann::json json = llama();
  EXPECT_EQ(read(json).padding_row, -1);
  json["pad_token_id"] = 3;
  EXPECT_EQ(read(json).padding_row, 3);
  json["pad_token_id"] = -1;
  EXPECT_EQ(read(json).padding_row, 511);
  EXPECT_EQ(read(json).pad_token_id, -1);
}

TEST_F(ModelConfigFile, RefusesWeightsThatAnotherLibraryQuantised) {
  nlohmann::json json = llama();
  json["quantization_config"] = {{"quant_method", "gptq"}};
  EXPECT_NE(refusal([&] { read(json); }).find("quantization_config"), std::string::npos);
}

TEST_F(ModelConfigFile, RefusesImpossibleNumbersByName) {
  const struct {
    const char* key;
    nlohmann::json value;
  } cases[] = {{"vocab_size", -1},
               {"vocab_size", nullptr},
               {"vocab_size", 1e30},
               {"hidden_size", 0},
               {"hidden_size", "64"},
               {"hidden_size", 64.5},
               {"hidden_size", 18446744073709551615ULL},
               {"intermediate_size", 1LL << 40},
               {"num_hidden_layers", 1000000000},
               {"num_attention_heads", 0},
               {"num_attention_heads", 5},
               {"num_key_value_heads", 3},
               {"head_dim", 7},
               {"head_dim", -2},
               {"max_position_embeddings", -5},
               {"rms_norm_eps", -1.0},
               {"rms_norm_eps", "small"},
               {"rope_theta", 0.0},
               {"tie_word_embeddings", "yes"},
               {"eos_token_id", {1, "x"}},
               {"rope_scaling", 4},
               {"architectures", "LlamaForCausalLM"},
               {"hidden_act", 3}};
  for (const auto& c : cases) {
    nlohmann::json json = llama();
    json[c.key] = c.value;
    const std::string got = refusal([&] { read(json); });
    EXPECT_NE(got.find(c.key), std::string::npos) << c.key << ": " << got;
  }
}

TEST_F(ModelConfigFile, RefusesWhatIsNoConfig) {
  refusal([&] { read_model_config(path("absent")); });
  refusal([&] { read_model_config(folder_.string()); });
  refusal([&] { read_model_config(write("config.json", "{")); });
  refusal([&] { read_model_config(write("config.json", "[]")); });
  refusal([&] { read_model_config(write("config.json", "{}")); });
  refusal([&] { read_model_config(write("config.json", "\xFF\xFE")); });
}

TEST_F(ModelConfigFile, OtherFamiliesKeepTheirRawText) {
  const ModelConfig c = read({{"architectures", {"XLNetLMHeadModel"}},
                              {"model_type", "xlnet"},
                              {"vocab_size", 512},
                              {"n_embd", 64}});
  EXPECT_EQ(c.architecture, "XLNetLMHeadModel");
  EXPECT_EQ(c.vocab_size, 512);
  EXPECT_NE(c.raw.find("n_embd"), std::string::npos);
}

TEST_F(ModelConfigFile, StopTokensOfTheGenerationConfigCount) {
  write("config.json", llama().dump());  // [2, 3]
  const auto told = [&](const char* generation, std::vector<std::int64_t> ids) {
    write("generation_config.json", generation);
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(read_model_config(folder_.string()).eos_token_id, ids) << generation;
    return ::testing::internal::GetCapturedStderr();
  };
  const std::string other = told(R"({"eos_token_id": [3, 7]})", {3, 7});
  EXPECT_NE(other.find("eos_token_id is 2, 3 in "), std::string::npos) << other;
  EXPECT_NE(other.find("config.json and 3, 7 in "), std::string::npos) << other;
  EXPECT_NE(other.find("generation_config.json; the latter ends answers"), std::string::npos);
  EXPECT_EQ(told(R"({"eos_token_id": [3, 2, 7]})", {3, 2, 7}), "") << "more is no contradiction";
  EXPECT_EQ(told(R"({"eos_token_id": null})", {2, 3}), "");
  EXPECT_EQ(told(R"({"temperature": 1})", {2, 3}), "");
}

TEST_F(ModelConfigFile, OracleConfigsAgreeInBothStyles) {
  const std::filesystem::path root = std::filesystem::path(test::oracle_root()) / "arch";
  if (!std::filesystem::exists(root)) GTEST_SKIP() << root << " is not there";
  for (const auto& folder : std::filesystem::directory_iterator(root)) {
    const ModelConfig young = read_model_config(folder.path().string());
    const ModelConfig old = read_model_config((folder.path() / "config.hub4.json").string());
    EXPECT_EQ(young.architecture, old.architecture) << folder;
    if (young.model_type == "gemma3_text") continue;  // a set for each kind of layer: family's
    EXPECT_EQ(young.rope.type, old.rope.type) << folder;
    EXPECT_EQ(young.rope.factor, old.rope.factor) << folder;
    EXPECT_EQ(young.rope.theta, old.rope.theta) << folder;
    EXPECT_EQ(young.rope.original_max_position_embeddings,
              old.rope.original_max_position_embeddings);
    EXPECT_EQ(young.torch_dtype, "float32") << folder;
    EXPECT_EQ(old.torch_dtype, "float32") << folder;
  }
}

TEST_F(ModelConfigFile, ReadsGgufMetadata) {
  const ModelConfig c = read_model_config(testing::fixture("types.gguf"));
  EXPECT_EQ(c.architecture, "LlamaForCausalLM");
  EXPECT_EQ(c.vocab_size, 20);
  EXPECT_EQ(c.hidden_size, 256);
  EXPECT_EQ(c.intermediate_size, 8);
  EXPECT_EQ(c.num_hidden_layers, 1);
  EXPECT_EQ(c.num_attention_heads, 4);
  EXPECT_EQ(c.num_key_value_heads, 2);
  EXPECT_EQ(c.head_dim, 16);
  EXPECT_EQ(c.rms_norm_eps, 1e-5);
  EXPECT_EQ(c.rope.theta, 100000.0);
  EXPECT_TRUE(c.tie_word_embeddings);
  EXPECT_EQ(c.eos_token_id, (std::vector<std::int64_t>{2}));
  EXPECT_EQ(c.torch_dtype, "bfloat16");
  EXPECT_EQ(axl::parse_json<nlohmann::json>(c.raw)["model_type"], "llama");
}

}  // namespace
}  // namespace axl::weights
