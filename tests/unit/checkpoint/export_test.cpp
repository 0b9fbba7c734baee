#include "checkpoint/export.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "support/paths.hpp"
#include "tiny_model.hpp"
#include "tokenizer/tokenizer.hpp"
#include "weights/gguf.hpp"
#include "weights/model_config.hpp"

namespace axl::checkpoint {
namespace {

using testing::floats;
using weights::Storage;
using weights::WeightFile;

class Export : public testing::Scratch {
 protected:
  static void expect_same_weights(const std::string& a, const std::string& b) {
    const WeightFile left = WeightFile::open(a);
    const WeightFile right = WeightFile::open(b);
    ASSERT_EQ(left.tensors().size(), right.tensors().size());
    for (const weights::TensorEntry& t : left.tensors()) {
      EXPECT_EQ(right.get(t.name).shape, t.shape) << t.name;
      EXPECT_EQ(floats(right.get(t.name)), floats(t)) << t.name;
    }
  }
  static void expect_same_config(const std::string& a, const std::string& b) {
    const weights::ModelConfig x = weights::read_model_config(a);
    const weights::ModelConfig y = weights::read_model_config(b);
    EXPECT_EQ(x.architecture, y.architecture);
    EXPECT_EQ(x.vocab_size, y.vocab_size);
    EXPECT_EQ(x.hidden_size, y.hidden_size);
    EXPECT_EQ(x.intermediate_size, y.intermediate_size);
    EXPECT_EQ(x.num_hidden_layers, y.num_hidden_layers);
    EXPECT_EQ(x.num_attention_heads, y.num_attention_heads);
    EXPECT_EQ(x.num_key_value_heads, y.num_key_value_heads);
    EXPECT_EQ(x.head_dim, y.head_dim);
    EXPECT_EQ(x.max_position_embeddings, y.max_position_embeddings);
    EXPECT_EQ(x.rms_norm_eps, y.rms_norm_eps);
    EXPECT_EQ(x.tie_word_embeddings, y.tie_word_embeddings);
    EXPECT_EQ(x.attention_bias, y.attention_bias);
    EXPECT_EQ(x.bos_token_id, y.bos_token_id);
    EXPECT_EQ(x.eos_token_id, y.eos_token_id);
    EXPECT_EQ(x.rope.type, y.rope.type);
    EXPECT_EQ(x.rope.theta, y.rope.theta);
    EXPECT_EQ(x.rope.factor, y.rope.factor);
    EXPECT_EQ(x.rope.beta_fast, y.rope.beta_fast);
    EXPECT_EQ(x.rope.beta_slow, y.rope.beta_slow);
  }
};

TEST_F(Export, FoldersSurviveGgufAndBack) {
  const nlohmann::json llama3{{"rope_type", "llama3"},
                              {"factor", 8.0},
                              {"low_freq_factor", 1.0},
                              {"high_freq_factor", 4.0},
                              {"original_max_position_embeddings", 16}};
  const nlohmann::json linear{{"rope_type", "linear"}, {"factor", 4.0}};
  const nlohmann::json yarn{{"rope_type", "yarn"},
                            {"factor", 4.0},
                            {"original_max_position_embeddings", 16},
                            {"beta_fast", 8.0},
                            {"beta_slow", 2.0}};
  int number = 0;
  for (const nlohmann::json& rope : {nlohmann::json(), llama3, linear, yarn})
    for (const bool bias : {false, true}) {
      const std::string base = path("base" + std::to_string(number));
      const std::string file = path("m" + std::to_string(number) + ".gguf");
      const std::string back = path("back" + std::to_string(number++));
      testing::write_tiny_model(base, bias, !bias, rope);
      const ExportSummary there = export_model(base, file, {});
      EXPECT_GE(there.tensors, 20);
      export_model(file, back, {});
      expect_same_weights(base, back);
      expect_same_config(base, back);
      EXPECT_TRUE(std::filesystem::exists(back + "/generation_config.json"));
      const auto ours = tokenizer::Tokenizer::load(base);
      const auto theirs = tokenizer::Tokenizer::load(back);
      for (const char* text : {"hello hell 123", "  x\n\n", "it's"})
        EXPECT_EQ(ours.encode(text, true), theirs.encode(text, true));
      EXPECT_EQ(theirs.eos_id(), ours.eos_id());
      EXPECT_EQ(theirs.chat_template(), "{{ messages }}");
    }
}

TEST_F(Export, RefusesScalingThatGgufCannotDescribe) {
  const nlohmann::json yarn{{"rope_type", "yarn"}, {"factor", 4.0}};
  const std::pair<const char*, nlohmann::json> fields[] = {{"attention_factor", 1.3},
                                                           {"truncate", false}};
  int number = 0;
  for (const auto& [key, value] : fields) {
    nlohmann::json rope = yarn;
    rope[key] = value;
    const std::string base = path("yarn" + std::to_string(number++));
    testing::write_tiny_model(base, false, false, rope);
    EXPECT_THROW(export_model(base, path("yarn.gguf"), {}), Error) << key;
  }
}

TEST_F(Export, ConvertsElementTypes) {
  testing::write_tiny_model(path("base"));
  export_model(path("base"), path("bf16"), {.dtype = Storage::bf16});
  const WeightFile brain = WeightFile::open(path("bf16"));
  for (const weights::TensorEntry& t : brain.tensors()) EXPECT_EQ(t.storage, Storage::bf16);
  EXPECT_EQ(weights::read_model_config(path("bf16")).torch_dtype, "bfloat16");
  export_model(path("base"), path("q8.gguf"), {.dtype = Storage::q8_0});
  const WeightFile eight = WeightFile::open(path("q8.gguf"));
  EXPECT_EQ(eight.get("model.layers.0.mlp.down_proj.weight").storage, Storage::q8_0);
  EXPECT_EQ(eight.get("model.norm.weight").storage, Storage::f32);
  EXPECT_EQ(*weights::read_gguf_metadata(path("q8.gguf")).integer("general.file_type"), 7);
  export_model(path("q8.gguf"), path("from_q8"), {});
  EXPECT_EQ(weights::read_model_config(path("from_q8")).torch_dtype, "bfloat16");
}

TEST_F(Export, RefusesNanInfinityAndOverflowByName) {
  const auto refused = [&](const std::string& target, const ExportOptions& options) {
    try {
      export_model(path("base"), path(target), options);
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::input);
      EXPECT_TRUE(!std::filesystem::exists(path(target)) &&
                  !std::filesystem::exists(path(target) + ".unchecked"));
      return std::string(e.what());
    }
    return std::string();
  };
  const std::string name = "model.layers.1.mlp.up_proj.weight";
  for (const float bad : {std::nanf(""), HUGE_VALF}) {
    testing::write_tiny_model(path("base"));
    testing::spoil(path("base"), name, 65, bad);
    for (const bool verify : {false, true})
      for (const char* target : {"out", "out.gguf"})
        for (const auto dtype : {std::optional<Storage>{}, std::optional(Storage::f16)})
          EXPECT_NE(
              refused(target, {.dtype = dtype, .verify = verify})
                  .find("tensor '" + name + "' at element 65 (row 1, column 1): the value is"),
              std::string::npos);
  }
  testing::spoil(path("base"), name, 65, 70144.0f);
  for (const char* target : {"out", "out.gguf"})
    EXPECT_NE(refused(target, {.dtype = Storage::f16})
                  .find("tensor '" + name +
                        "' at element 65: the value 70144 is too large for F16\n"
                        "  hint: BF16 and F32 hold it"),
              std::string::npos);
  export_model(path("base"), path("out"), {.dtype = Storage::bf16});
  export_model(path("base"), path("out.gguf"), {.dtype = Storage::q8_0});
  testing::spoil(path("base"), name, 65, 9e6f);
  EXPECT_NE(refused("q.gguf", {.dtype = Storage::q8_0}).find("too large for Q8_0"),
            std::string::npos);
  testing::spoil(path("base"), name, 65, 3.4e38f);
  EXPECT_NE(refused("b", {.dtype = Storage::bf16}).find("hint: F32 holds it"), std::string::npos);
}

TEST_F(Export, RefusesModelsThatHoldNothing) {
  testing::write_tiny_model(path("base"));
  const auto refused = [&](const std::string& source, const std::string& says) {
    for (const char* target : {"out", "out.gguf"}) try {
        export_model(source, path(target), {});
        ADD_FAILURE() << "accepted";
      } catch (const Error& e) {
        EXPECT_NE(std::string(e.what()).find(says), std::string::npos) << e.what();
        EXPECT_FALSE(std::filesystem::exists(path(target)));
      }
  };
  export_model(path("base"), path("whole.gguf"), {});
  const weights::GgufMetadata metadata = weights::read_gguf_metadata(path("whole.gguf"));
  weights::write_gguf(path("empty.gguf"), metadata, {});
  refused(path("empty.gguf"), "holds no tensors");
  weights::write_gguf(path("flat.gguf"), metadata,
                      {weights::float_tensor("model.embed_tokens.weight", {264, 0}, nullptr)});
  refused(path("flat.gguf"), "has no elements");
  weights::write_safetensors(path("base") + "/model.safetensors", {});
  refused(path("base"), "holds no tensors");
}

TEST_F(Export, CarriesTensorsOfOtherTypesAlong) {
  testing::write_tiny_model(path("base"));
  const WeightFile base = WeightFile::open(path("base"));
  std::vector<weights::TensorToWrite> tensors;
  for (const weights::TensorEntry& t : base.tensors())
    tensors.push_back(weights::converted(t, t.storage));
  const std::vector<std::byte> flags(7, std::byte{1});
  tensors.push_back({"model.mask",
                     Storage::u8,
                     {7},
                     [&](const auto& sink) { sink(std::span(flags)); },
                     "BOOL",
                     {7}});
  std::filesystem::create_directories(path("more"));
  std::filesystem::copy(path("base") + "/config.json", path("more") + "/config.json");
  weights::write_safetensors(path("more") + "/model.safetensors", tensors);
  export_model(path("more"), path("out"), {.dtype = Storage::bf16});
  const WeightFile out = WeightFile::open(path("out"));
  ASSERT_EQ(out.foreign().size(), 1u);
  EXPECT_EQ(out.foreign()[0].type, "BOOL");
  EXPECT_EQ(out.tensors().size(), base.tensors().size());
  EXPECT_THROW(export_model(path("more"), path("out.gguf"), {}), Error);
}

TEST_F(Export, ShardsLargeModels) {
  testing::write_tiny_model(path("base"));
  export_model(path("base"), path("sharded"), {.max_shard_bytes = 100'000});
  EXPECT_TRUE(std::filesystem::exists(path("sharded/model.safetensors.index.json")));
  expect_same_weights(path("base"), path("sharded"));
}

TEST_F(Export, ReportsProgressToTheEnd) {
  testing::write_tiny_model(path("base"));
  std::int64_t written = 0;
  std::int64_t verified = 0;
  ExportOptions options;
  options.progress = [&](std::string_view phase, std::int64_t done, std::int64_t total) {
    EXPECT_LE(done, total);
    (phase == "write" ? written : verified) = done;
  };
  const ExportSummary summary = export_model(path("base"), path("out"), options);
  EXPECT_EQ(written, summary.bytes);
  EXPECT_EQ(verified, summary.bytes);
}

TEST_F(Export, KeepsWhatIsThere) {
  testing::write_tiny_model(path("base"));
  export_model(path("base"), path("out"), {});
  EXPECT_THROW(export_model(path("base"), path("out"), {}), Error);
  EXPECT_THROW(export_model(path("base"), path("base"), {}), Error);
  export_model(path("base"), path("out"), {.dtype = Storage::f16, .overwrite = true});
  EXPECT_EQ(weights::read_model_config(path("out")).torch_dtype, "float16");
  export_model(path("base"), path("m.gguf"), {});
  EXPECT_THROW(export_model(path("base"), path("m.gguf"), {}), Error);
  for (const auto& entry : std::filesystem::directory_iterator(folder_))
    EXPECT_FALSE(entry.path().filename().string().find(".tmp") != std::string::npos ||
                 entry.path().filename().string().find(".unchecked") != std::string::npos)
        << entry.path();
}

TEST_F(Export, RefusesWhatTheTargetCannotHold) {
  testing::write_tiny_model(path("base"));
  EXPECT_THROW(export_model(path("base"), path("q"), {.dtype = Storage::q8_0}), Error);
  EXPECT_THROW(export_model(path("base"), path("q.gguf"), {.dtype = Storage::q4_k}), Error);
  EXPECT_FALSE(std::filesystem::exists(path("q")));
  testing::write_tiny_model(path("odd"), false, true, {{"rope_type", "dynamic"}, {"factor", 2.0}});
  EXPECT_THROW(export_model(path("odd"), path("odd.gguf"), {}), Error);
  const nlohmann::json strange{{"type", "Split"},
                               {"pattern", {{"Regex", "[a-e]+|[^a-e]+"}}},
                               {"behavior", "Isolated"},
                               {"invert", false}};
  const nlohmann::json level{{"type", "ByteLevel"},
                             {"add_prefix_space", false},
                             {"trim_offsets", true},
                             {"use_regex", false}};
  testing::write_text(
      path("base/tokenizer.json"),
      testing::tiny_tokenizer({{"type", "Sequence"}, {"pretokenizers", {strange, level}}}).dump());
  try {
    export_model(path("base"), path("strange.gguf"), {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::unsupported);
    EXPECT_NE(std::string(e.what()).find("tokenizer.ggml.pre"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(path("strange.gguf")));
}

TEST_F(Export, LlamasOfTheOraclesRoundTrip) {
  const std::filesystem::path root = std::filesystem::path(test::oracle_root()) / "arch";
  if (!std::filesystem::exists(root)) GTEST_SKIP() << root << " is not there";
  int done = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    const std::string base = entry.path().string();
    if (weights::read_model_config(base).architecture != "LlamaForCausalLM") continue;
    const std::string name = entry.path().filename().string();
    if (weights::read_model_config(base).rope.type == "dynamic") continue;
    export_model(base, path(name + ".gguf"), {});
    export_model(path(name + ".gguf"), path(name), {});
    expect_same_weights(base, path(name));
    expect_same_config(base, path(name));
    ++done;
  }
  EXPECT_GT(done, 0);
}

}  // namespace
}  // namespace axl::checkpoint
