// What `inference` is pointed at: configuration, model or adapter; and where an answer ends.
#include "generate/model_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "adapter/peft_files.hpp"
#include "core/error.hpp"
#include "tiny_model.hpp"

namespace axl::test {
namespace {

namespace fs = std::filesystem;
using generate::SourceKind;

void touch(const fs::path& path, const std::string& text = "{}") {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

/// An adapter over q_proj of the tiny model.
void write_tiny_adapter(const std::string& folder, const std::string& base, float b_value) {
  fs::create_directories(folder);
  const std::vector<float> a(4 * 32, 0.1F), b(32 * 4, b_value);
  std::vector<weights::TensorToWrite> tensors;
  adapter::PeftConfig config{.r = 4, .lora_alpha = 4, .base_model_name_or_path = base};
  config.target_modules.names = {"q_proj"};
  for (int i = 0; i < 2; ++i) {
    const std::string module = "model.layers." + std::to_string(i) + ".self_attn.q_proj";
    tensors.push_back(weights::float_tensor(
        adapter::adapter_tensor_name(adapter::AdapterRole::lora_a, module, config), {4, 32},
        a.data()));
    tensors.push_back(weights::float_tensor(
        adapter::adapter_tensor_name(adapter::AdapterRole::lora_b, module, config), {32, 4},
        b.data()));
  }
  adapter::write_adapter(folder, config, std::move(tensors));
}

TEST(ModelSource, TellsWhatAPathIs) {
  const TinyModel model;
  const fs::path root(model.folder());
  EXPECT_EQ(generate::kind_of_source(model.folder()), SourceKind::model);
  touch(root / "m.gguf");
  EXPECT_EQ(generate::kind_of_source((root / "m.gguf").string()), SourceKind::model);
  touch(root / "run.yml");
  EXPECT_EQ(generate::kind_of_source((root / "run.yml").string()), SourceKind::config);
  touch(root / "a" / "adapter_config.json");
  EXPECT_EQ(generate::kind_of_source((root / "a").string()), SourceKind::adapter);
  touch(root / "c" / "run.yaml");
  EXPECT_EQ(generate::kind_of_source((root / "c").string()), SourceKind::config);
  fs::create_directories(root / "empty");
  EXPECT_THROW(generate::kind_of_source((root / "empty").string()), Error);
  EXPECT_THROW(generate::kind_of_source((root / "absent").string()), Error);
}

TEST(ModelSource, AConfigurationStandsForWhatItsRunHasLeft) {
  const TinyModel model;
  const std::string output = model.folder() + "/out";
  config::Config config;
  config.base_model = model.folder();
  config.output_dir = output;
  auto source = generate::source_of_config(config, true);
  EXPECT_EQ(source.adapter, "");
  ASSERT_EQ(source.notes.size(), 1u);
  EXPECT_NE(source.notes[0].find("nothing has been trained"), std::string::npos);

  write_tiny_adapter(output + "/checkpoint-9", model.folder(), 0);
  write_tiny_adapter(output + "/checkpoint-10", model.folder(), 0);
  touch(output + "/checkpoint-11.tmp/adapter_config.json");
  EXPECT_EQ(generate::source_of_config(config, true).adapter, output + "/checkpoint-10");
  write_tiny_adapter(output, model.folder(), 0);
  EXPECT_EQ(generate::source_of_config(config, true).adapter, output);
  EXPECT_EQ(generate::source_of_config(config, false).adapter, "");
  EXPECT_EQ(generate::source_of_config(config, true).model, model.folder());
}

TEST(ModelSource, AnAdapterNamesItsBase) {
  const TinyModel model;
  const std::string folder = model.folder() + "/adapter";
  write_tiny_adapter(folder, model.folder(), 0);
  EXPECT_EQ(generate::source_of_adapter(folder).model, model.folder());
  write_tiny_adapter(folder, "/no/such/model", 0);
  EXPECT_THROW(generate::source_of_adapter(folder), Error);
  std::ofstream(folder + "/adapter_config.json")
      << R"({"peft_type": "LORA", "r": 1, "target_modules": ["q_proj"],
             "base_model_name_or_path": "org/name", "revision": "v1"})";
  EXPECT_EQ(generate::source_of_adapter(folder).model, "org/name@v1");
}

TEST(ModelSource, AnAdapterChangesTheModelUnlessBIsZero) {
  const TinyModel model;
  const std::string zero = model.folder() + "/zero", one = model.folder() + "/one";
  write_tiny_adapter(zero, model.folder(), 0);
  write_tiny_adapter(one, model.folder(), 0.5F);
  const auto parameters = [](generate::LoadedModel m) {
    return m.decoder().parameters().all().size();
  };
  EXPECT_EQ(parameters(model.load()), 0u);
  EXPECT_EQ(parameters(model.load(DType::f32, zero)), 4u);
  generate::LoadedModel loaded = model.load(DType::f32, one);
  const tensor::Parameter* b = loaded.decoder().parameters().find(
      "base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->value.as<float>()[17], 0.5F);
  const generate::LoadedModel half = model.load(DType::bf16, one);
}

TEST(ModelSource, AnAdapterOfAnotherModelIsRefused) {
  const TinyModel model;
  const std::string folder = model.folder() + "/other";
  write_tiny_adapter(folder, model.folder(), 0);
  const std::vector<float> a(4 * 16), b(32 * 4);
  adapter::PeftConfig config{.r = 4, .lora_alpha = 4};
  config.target_modules.names = {"q_proj"};
  std::vector<weights::TensorToWrite> tensors;
  const auto write = [&](int layers, std::int64_t in) {
    tensors.clear();
    for (int i = 0; i < layers; ++i) {
      const std::string module = "model.layers." + std::to_string(i) + ".self_attn.q_proj";
      tensors.push_back(weights::float_tensor(
          adapter::adapter_tensor_name(adapter::AdapterRole::lora_a, module, config), {4, in},
          a.data()));
      tensors.push_back(weights::float_tensor(
          adapter::adapter_tensor_name(adapter::AdapterRole::lora_b, module, config), {32, 4},
          b.data()));
    }
    adapter::write_adapter(folder, config, std::move(tensors));
    try {
      model.load(DType::f32, folder);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::input);
      return e.message();
    }
    return std::string();
  };
  EXPECT_NE(write(2, 16).find("lora_A.weight' is (4, 16), this run asks for (4, 32)"),
            std::string::npos);
  EXPECT_NE(write(1, 16).find("q_proj"), std::string::npos);
  EXPECT_NE(write(0, 16).find("no LoRA tensors"), std::string::npos);
}

TEST(StopTokens, ComeFromModelTokenizerTemplateAndConfiguration) {
  const auto tokenizer = tokenizer::Tokenizer::load(fixture_tokenizer());
  const auto id = [&](const char* token) { return tokenizer.token_to_id(token).value(); };
  const auto stops = [&](const std::string& chat, const std::vector<std::string>& eot) {
    return generate::stop_tokens({5, 1 << 20, -1}, tokenizer, chat, eot);
  };
  EXPECT_EQ(stops("", {}), (std::vector<tokenizer::TokenId>{5, id("<|im_end|>")}));
  const auto more = stops("x<|end|>", {"</s>", "absent"});
  for (const char* token : {"<|im_end|>", "<|end|>", "</s>"})
    EXPECT_EQ(std::count(more.begin(), more.end(), id(token)), 1) << token;
}

}  // namespace
}  // namespace axl::test
