#include "weights/model_config.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/json.hpp"
#include "hub/snapshot.hpp"
#include "weights/gguf.hpp"
#include "weights/model_config_fields.hpp"
#include "weights/weight_file.hpp"

namespace axl::weights {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{16} << 20;
constexpr std::int64_t kMaxVocabulary = std::int64_t{1} << 24;
constexpr std::int64_t kMaxWidth = std::int64_t{1} << 22;
constexpr std::int64_t kMaxLayers = 16384;
constexpr std::int64_t kMaxHeads = std::int64_t{1} << 16;
constexpr std::int64_t kMaxHeadDim = std::int64_t{1} << 14;
constexpr std::int64_t kMaxPositions = std::int64_t{1} << 40;
constexpr std::int64_t kMaxTokenId = std::numeric_limits<std::int32_t>::max();

std::string read_text(const std::string& path) {
  const MappedFile file(path);
  if (file.bytes().size() > kMaxConfigBytes)
    throw Error(ErrorCode::input, path + ": larger than 16 MB, so not a model configuration");
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

nlohmann::json parse_object(const std::string& text, const std::string& origin) {
  nlohmann::json root;
  try {
    root = parse_json<nlohmann::json>(text);
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::input, origin + ": not valid JSON: " + e.what());
  }
  if (!root.is_object()) throw Error(ErrorCode::input, origin + ": must be a JSON object");
  return root;
}

/// Fields common to both places where rope settings stand.
void read_rope_fields(const ConfigFields& in, const ConfigFields& top, std::int64_t max_positions,
                      bool llama, RopeConfig& rope) {
  rope.type = in.text_or("rope_type", in.text_or("type", "default"));
  rope.theta = in.real_or("rope_theta", rope.theta, 1e-3, 1e15);
  rope.partial_rotary_factor =
      in.real_or("partial_rotary_factor", rope.partial_rotary_factor, 1e-6, 1.0);
  if (rope.type == "default") return;
  static constexpr const char* kTypes[] = {"linear", "dynamic", "llama3", "yarn"};
  const bool known = std::any_of(std::begin(kTypes), std::end(kTypes),
                                 [&](const char* t) { return rope.type == t; });
  if (!known) {
    if (llama)
      in.refuse("rope_type", "unknown rope scaling '" + rope.type +
                                 "'; known: default, linear, dynamic, llama3, yarn");
    return;
  }
  // As in transformers: dynamic scaling reckons with max_position_embeddings alone; for the others
  // the length that stands outside wins, and yarn's factor is derived from the two lengths when it
  // is absent.
  const ConfigFields& lengths = top.has("original_max_position_embeddings") ? top : in;
  rope.original_max_position_embeddings =
      rope.type == "dynamic"
          ? max_positions
          : lengths.integer_or("original_max_position_embeddings", max_positions, 1, kMaxPositions);
  if (rope.type == "yarn" && !in.has("factor"))
    rope.factor = static_cast<double>(max_positions) /
                  static_cast<double>(rope.original_max_position_embeddings);
  else
    rope.factor = in.real("factor", 1e-3, 1e9);
  if (rope.type == "llama3") {
    rope.low_freq_factor = in.real("low_freq_factor", 1e-9, 1e9);
    rope.high_freq_factor = in.real("high_freq_factor", 1e-9, 1e9);
    if (!(rope.high_freq_factor > rope.low_freq_factor))
      in.refuse("high_freq_factor", "must be greater than low_freq_factor");
  }
  if (rope.type == "yarn") {
    rope.beta_fast = in.real_or("beta_fast", rope.beta_fast, 1e-9, 1e9);
    rope.beta_slow = in.real_or("beta_slow", rope.beta_slow, 1e-9, 1e9);
    rope.attention_factor = in.real_or("attention_factor", 0.0, 0.0, 1e9);
    rope.mscale = in.real_or("mscale", 0.0, 0.0, 1e9);
    rope.mscale_all_dim = in.real_or("mscale_all_dim", 0.0, 0.0, 1e9);
    rope.truncate = in.boolean_or("truncate", true);
  }
}

RopeConfig read_rope(const nlohmann::json& root, const ConfigFields& in, const ModelConfig& model,
                     bool llama) {
  RopeConfig rope;
  rope.theta = in.real_or("rope_theta", rope.theta, 1e-3, 1e15);
  rope.partial_rotary_factor = in.real_or("partial_rotary_factor", 1.0, 1e-6, 1.0);
  // Where both styles are there, transformers takes the older one, unless it is empty.
  const bool scaling = in.has("rope_scaling") && !root.at("rope_scaling").empty();
  const char* where = scaling                     ? "rope_scaling"
                      : in.has("rope_parameters") ? "rope_parameters"
                                                  : nullptr;
  if (where == nullptr) return rope;
  const ConfigFields fields = in.object(where);
  // Families with several kinds of layers nest one set a kind: not one form, so only `raw` has it.
  for (const auto& [key, value] : root.at(where).items())
    if (value.is_object()) return rope;
  read_rope_fields(fields, in, model.max_position_embeddings, llama, rope);
  return rope;
}

void read_attention_shape(const ConfigFields& in, bool llama, ModelConfig& out) {
  if (!llama && !in.has("num_attention_heads")) return;
  out.num_attention_heads = in.integer("num_attention_heads", 1, kMaxHeads);
  out.num_key_value_heads =
      in.integer_or("num_key_value_heads", out.num_attention_heads, 1, kMaxHeads);
  if (out.num_attention_heads % out.num_key_value_heads != 0)
    in.refuse("num_key_value_heads", "must divide num_attention_heads (" +
                                         std::to_string(out.num_attention_heads) + "), got " +
                                         std::to_string(out.num_key_value_heads));
  if (in.has("head_dim")) {
    out.head_dim = in.integer("head_dim", 1, kMaxHeadDim);
  } else if (out.hidden_size % out.num_attention_heads == 0) {
    out.head_dim = out.hidden_size / out.num_attention_heads;
  } else {
    in.refuse("num_attention_heads", "must divide hidden_size (" + std::to_string(out.hidden_size) +
                                         ") where head_dim is absent, got " +
                                         std::to_string(out.num_attention_heads));
  }
  if (llama && out.head_dim % 2 != 0)
    in.refuse("head_dim", "must be even for rotary positions, got " + std::to_string(out.head_dim));
}

ModelConfig from_json(const std::string& text, const std::string& origin) {
  const nlohmann::json root = parse_object(text, origin);
  const ConfigFields in(root, origin);
  ModelConfig out;
  out.raw = text;
  out.origin = origin;
  out.model_type = in.text_or("model_type", "");
  if (in.has("architectures")) {
    const nlohmann::json& list = root.at("architectures");
    if (!list.is_array() || (!list.empty() && !list.front().is_string()))
      in.refuse("architectures", "must be a list of strings");
    if (!list.empty()) out.architecture = list.front().get<std::string>();
  }
  if (out.architecture.empty() && out.model_type == "llama") out.architecture = "LlamaForCausalLM";
  if (out.architecture.empty() && out.model_type.empty())
    in.refuse("architectures",
              "must name the model's class, but neither architectures nor "
              "model_type is there");
  // Other families have fields of their own names, which their readers take from `raw`.
  const bool llama = out.architecture == "LlamaForCausalLM";
  if (llama && in.has("quantization_config"))
    throw Error(ErrorCode::unsupported, "weights quantised by another library cannot be read")
        .at({origin, 0, 0, "quantization_config"})
        .hint("take the model's unquantised files, or a GGUF");
  const auto size = [&](const char* key, std::int64_t most) {
    return llama ? in.integer(key, 1, most) : in.integer_or(key, 0, 0, most);
  };
  out.vocab_size = size("vocab_size", kMaxVocabulary);
  out.hidden_size = size("hidden_size", kMaxWidth);
  out.intermediate_size = size("intermediate_size", kMaxWidth);
  out.num_hidden_layers = size("num_hidden_layers", kMaxLayers);
  read_attention_shape(in, llama, out);
  out.max_position_embeddings =
      in.integer_or("max_position_embeddings", llama ? 2048 : 0, 1, kMaxPositions);
  out.rms_norm_eps = in.real_or("rms_norm_eps", 1e-6, 1e-30, 1.0);
  out.tie_word_embeddings = in.boolean_or("tie_word_embeddings", false);
  out.attention_bias = in.boolean_or("attention_bias", false);
  out.mlp_bias = in.boolean_or("mlp_bias", false);
  out.hidden_act = in.text_or("hidden_act", "silu");
  if (out.hidden_act == "swish") out.hidden_act = "silu";  // two names of one function
  out.rope = read_rope(root, in, out, llama);
  out.bos_token_id = in.integers("bos_token_id", -1, kMaxTokenId);
  out.eos_token_id = in.integers("eos_token_id", -1, kMaxTokenId);
  out.pad_token_id = in.integer_or("pad_token_id", -1, -1, kMaxTokenId);
  if (in.has("pad_token_id"))
    out.padding_row = out.pad_token_id < 0 ? out.vocab_size + out.pad_token_id : out.pad_token_id;
  for (std::vector<std::int64_t>* ids : {&out.bos_token_id, &out.eos_token_id})
    std::erase(*ids, -1);
  out.torch_dtype = in.text_or("dtype", in.text_or("torch_dtype", ""));
  if (out.torch_dtype.starts_with("torch.")) out.torch_dtype.erase(0, 6);
  return out;
}

/// Chat models often list their stop tokens only here.
void add_generation_config(const std::string& path, ModelConfig& out) {
  const nlohmann::json root = parse_object(read_text(path), path);
  for (const std::int64_t id : ConfigFields(root, path).integers("eos_token_id", -1, kMaxTokenId))
    if (id >= 0 &&
        std::find(out.eos_token_id.begin(), out.eos_token_id.end(), id) == out.eos_token_id.end())
      out.eos_token_id.push_back(id);
}

}  // namespace

ModelConfig read_model_config(const std::string& name) {
  const std::string path = hub::model_folder(name, hub::ModelPart::tokenizer);
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw Error(ErrorCode::input, path + ": no such file or folder");
  if (fs::is_directory(path, ignored)) {
    const fs::path config = fs::path(path) / "config.json";
    if (!is_there(config))
      throw Error(ErrorCode::input, path + ": holds no config.json, so it is no model folder");
    ModelConfig out = from_json(read_text(config.string()), config.string());
    const fs::path generation = fs::path(path) / "generation_config.json";
    if (is_there(generation)) add_generation_config(generation.string(), out);
    return out;
  }
  if (is_gguf(path)) return from_json(config_json_of_gguf(path), path);
  return from_json(read_text(path), path);
}

}  // namespace axl::weights
