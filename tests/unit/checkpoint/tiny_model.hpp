#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/json.hpp"
#include "support/temporary_folder.hpp"
#include "weights/convert.hpp"
#include "weights/weight_file.hpp"

namespace axl::checkpoint::testing {

/// A test with a folder of its own.
class Scratch : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return scratch_.path(name); }
  axl::test::TemporaryFolder scratch_;
  const std::filesystem::path folder_ = scratch_.path();
};

inline std::vector<float> floats(const weights::TensorEntry& t) {
  std::vector<float> out(static_cast<std::size_t>(t.elements()));
  weights::to_float(t, 0, t.elements(), out.data());
  return out;
}

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Two letters of UTF-8: byte-level BPE shows byte b as this character.
inline std::string byte_letter(int byte) {
  const auto shown = [](int b) {
    return (b >= 33 && b < 127) || (b >= 161 && b < 173) || (b >= 174 && b < 256);
  };
  int code = byte;
  if (!shown(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += shown(b) ? 0 : 1;
  }
  if (code < 128) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 63))};
}

/// A byte-level tokenizer with two merges and two special tokens: 260 tokens.
inline nlohmann::json tiny_tokenizer(const nlohmann::json& pre_tokenizer) {
  nlohmann::json vocab;
  for (int b = 0; b < 256; ++b) vocab[byte_letter(b)] = b;
  vocab["he"] = 256;
  vocab
      ["he"
       "l"] = 257;
  nlohmann::json added = nlohmann::json::array();
  for (const auto& [id, text] : {std::pair{258, "<s>"}, std::pair{259, "</s>"}})
    added.push_back({{"id", id},
                     {"content", text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", pre_tokenizer},
          {"post_processor", nullptr},
          {"decoder",
           {{"type", "ByteLevel"},
            {"add_prefix_space", true},
            {"trim_offsets", true},
            {"use_regex", true}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"vocab", vocab},
            {"merges", {"h e", "he l"}}}}};
}

/// Writes a Llama of two layers (hidden 64, FFN 96, four query and two key heads of 16) with random
/// weights, biases and an untied head where asked, as a Hugging Face folder.
inline void write_tiny_model(const std::string& folder, bool bias = false, bool tied = true,
                             const nlohmann::json& rope = nullptr) {
  std::filesystem::create_directories(folder);
  nlohmann::json config{{"architectures", {"LlamaForCausalLM"}},
                        {"model_type", "llama"},
                        {"vocab_size", 264},
                        {"hidden_size", 64},
                        {"intermediate_size", 96},
                        {"num_hidden_layers", 2},
                        {"num_attention_heads", 4},
                        {"num_key_value_heads", 2},
                        {"head_dim", 16},
                        {"max_position_embeddings", 128},
                        {"rms_norm_eps", 1e-5},
                        {"tie_word_embeddings", tied},
                        {"attention_bias", bias},
                        {"mlp_bias", false},
                        {"bos_token_id", 258},
                        {"eos_token_id", 259},
                        {"rope_theta", 10000.0},
                        {"torch_dtype", "float32"}};
  if (!rope.is_null()) config["rope_scaling"] = rope;
  write_text(folder + "/config.json", config.dump(2));
  const nlohmann::json byte_level{{"type", "ByteLevel"},
                                  {"add_prefix_space", false},
                                  {"trim_offsets", true},
                                  {"use_regex", true}};
  write_text(folder + "/tokenizer.json", tiny_tokenizer(byte_level).dump());
  write_text(folder + "/tokenizer_config.json",
             R"({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>",
                 "eos_token": "</s>", "chat_template": "{{ messages }}"})");
  std::mt19937 random(17);
  std::normal_distribution<float> draw;
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> shapes{
      {"model.embed_tokens.weight", {264, 64}}, {"model.norm.weight", {64}}};
  if (!tied) shapes.push_back({"lm_head.weight", {264, 64}});
  for (int layer = 0; layer < 2; ++layer) {
    const std::string at = "model.layers." + std::to_string(layer) + ".";
    for (const char* norm : {"input_layernorm", "post_attention_layernorm"})
      shapes.push_back({at + norm + ".weight", {64}});
    for (const auto& [name, rows] : {std::pair{"q", 64}, {"k", 32}, {"v", 32}, {"o", 64}}) {
      shapes.push_back({at + "self_attn." + name + "_proj.weight", {rows, 64}});
      if (bias) shapes.push_back({at + "self_attn." + name + "_proj.bias", {rows}});
    }
    shapes.push_back({at + "mlp.gate_proj.weight", {96, 64}});
    shapes.push_back({at + "mlp.up_proj.weight", {96, 64}});
    shapes.push_back({at + "mlp.down_proj.weight", {64, 96}});
  }
  std::vector<std::vector<float>> values;
  std::vector<weights::TensorToWrite> tensors;
  for (const auto& [name, shape] : shapes) {
    std::int64_t n = 1;
    for (const std::int64_t d : shape) n *= d;
    values.emplace_back(static_cast<std::size_t>(n));
    for (float& v : values.back()) v = draw(random);
    tensors.push_back(weights::float_tensor(name, shape, values.back().data()));
  }
  weights::write_safetensors(folder + "/model.safetensors", tensors);
}

/// Puts `value` into a tensor of a folder that write_tiny_model wrote.
inline void spoil(const std::string& folder, const std::string& tensor, std::size_t element,
                  float value) {
  const std::string path = folder + "/model.safetensors";
  std::size_t at = 0;
  {
    const weights::WeightFile file = weights::WeightFile::open(path);
    const std::byte* last = nullptr;  // tensors keep the order of the file and end where it ends
    for (const weights::TensorEntry& t : file.tensors()) last = t.bytes.data() + t.bytes.size();
    const auto behind = static_cast<std::size_t>(last - file.get(tensor).bytes.data());
    at = std::filesystem::file_size(path) - behind + element * sizeof(float);
  }
  std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(at));
  out.write(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace axl::checkpoint::testing
