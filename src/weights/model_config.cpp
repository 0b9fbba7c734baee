#include "weights/model_config.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
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

/// What a known model type calls by another name (transformers' attribute_map), and what it means
/// where config.json says nothing.
struct Dialect {
  const char* model_type;
  const char* architecture;
  bool tied = false;
  std::int64_t head_dim = 0;  ///< 0: hidden_size / heads
  std::int64_t positions = 2048;
  const char* hidden_size = "hidden_size";
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  const char* inner = "intermediate_size";
  const char* max_positions = "max_position_embeddings";
  const char* rope_theta = "rope_theta";
  const char* rotated = "partial_rotary_factor";
  double partial_rotary = 1.0;
  bool inner_may_lack = false;
};
constexpr Dialect kDialects[] = {
    {.model_type = "llama", .architecture = "LlamaForCausalLM"},
    {.model_type = "mistral", .architecture = "MistralForCausalLM", .positions = 131072},
    {.model_type = "qwen2", .architecture = "Qwen2ForCausalLM", .positions = 32768},
    {.model_type = "qwen3", .architecture = "Qwen3ForCausalLM", .positions = 32768},
    {.model_type = "phi3", .architecture = "Phi3ForCausalLM", .positions = 4096},
    {.model_type = "gemma2",
     .architecture = "Gemma2ForCausalLM",
     .tied = true,
     .head_dim = 256,
     .positions = 8192},
    {.model_type = "gemma3_text",
     .architecture = "Gemma3ForCausalLM",
     .tied = true,
     .head_dim = 256,
     .positions = 131072},
    {.model_type = "gpt2",
     .architecture = "GPT2LMHeadModel",
     .tied = true,
     .positions = 1024,
     .hidden_size = "n_embd",
     .layers = "n_layer",
     .heads = "n_head",
     .inner = "n_inner",
     .max_positions = "n_positions",
     .inner_may_lack = true},
    {.model_type = "gpt_neox",
     .architecture = "GPTNeoXForCausalLM",
     .rope_theta = "rotary_emb_base",
     .rotated = "rotary_pct",
     .partial_rotary = 0.25},
};

/// By architecture, else by model_type; nullptr: no known one.
const Dialect* dialect_of(const std::string& architecture, const std::string& model_type) {
  for (const Dialect& d : kDialects)
    if (architecture == d.architecture || (architecture.empty() && model_type == d.model_type))
      return &d;
  return nullptr;
}

RopeConfig read_rope(const nlohmann::json& root, const ConfigFields& in, const ModelConfig& model,
                     const Dialect& dialect, bool strict) {
  RopeConfig rope;
  for (const char* key : {dialect.rope_theta, "rope_theta"})
    rope.theta = in.real_or(key, rope.theta, 1e-3, 1e15);
  rope.partial_rotary_factor = dialect.partial_rotary;
  for (const char* key : {dialect.rotated, "partial_rotary_factor"})
    rope.partial_rotary_factor = in.real_or(key, rope.partial_rotary_factor, 1e-6, 1.0);
  // Where both styles are there, transformers takes the older one, unless it is empty.
  const bool scaling = in.has("rope_scaling") && !root.at("rope_scaling").empty();
  const char* where = scaling                     ? "rope_scaling"
                      : in.has("rope_parameters") ? "rope_parameters"
                                                  : nullptr;
  if (where == nullptr) return rope;
  const ConfigFields fields = in.object(where);
  // Families with several kinds of layers nest one set a kind, which they read themselves.
  for (const auto& [key, value] : root.at(where).items())
    if (value.is_object()) return rope;
  read_rope_fields(fields, in, model.max_position_embeddings, strict, rope);
  return rope;
}

void read_attention_shape(const ConfigFields& in, const Dialect& dialect, bool strict,
                          ModelConfig& out) {
  if (!strict && !in.has(dialect.heads)) return;
  out.num_attention_heads = in.integer(dialect.heads, 1, kMaxHeads);
  out.num_key_value_heads =
      in.integer_or("num_key_value_heads", out.num_attention_heads, 1, kMaxHeads);
  if (out.num_attention_heads % out.num_key_value_heads != 0)
    in.refuse("num_key_value_heads", "must divide " + std::string(dialect.heads) + " (" +
                                         std::to_string(out.num_attention_heads) + "), got " +
                                         std::to_string(out.num_key_value_heads));
  if (in.has("head_dim") || dialect.head_dim > 0) {
    out.head_dim = in.integer_or("head_dim", dialect.head_dim, 1, kMaxHeadDim);
  } else if (out.hidden_size % out.num_attention_heads == 0) {
    out.head_dim = out.hidden_size / out.num_attention_heads;
  } else {
    in.refuse(dialect.heads, "must divide " + std::string(dialect.hidden_size) + " (" +
                                 std::to_string(out.hidden_size) +
                                 ") where head_dim is absent, got " +
                                 std::to_string(out.num_attention_heads));
  }
  if (strict && out.head_dim % 2 != 0)
    in.refuse("head_dim", "must be even for rotary positions, got " + std::to_string(out.head_dim));
}

/// What bitsandbytes' 4-bit files say of themselves; the tensors tell the rest.
bool is_four_bit(const nlohmann::json& quantisation) {
  return quantisation.is_object() && quantisation.value("quant_method", "") == "bitsandbytes" &&
         quantisation.value("load_in_4bit", false);
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
  const Dialect* known = dialect_of(out.architecture, out.model_type);
  if (out.architecture.empty() && known != nullptr) out.architecture = known->architecture;
  if (out.architecture.empty() && out.model_type.empty())
    in.refuse("architectures",
              "must name the model's class, but neither architectures nor "
              "model_type is there");
  // Other families have fields of their own names, which their readers take from `raw`.
  const bool strict = known != nullptr;
  const Dialect dialect = strict ? *known : Dialect{};
  if (strict && in.has("quantization_config") && !is_four_bit(root["quantization_config"]))
    throw Error(ErrorCode::unsupported, "weights quantised by another library cannot be read")
        .at({origin, 0, 0, "quantization_config"})
        .hint("read are bitsandbytes' 4-bit weights, GGUF files and unquantised ones");
  const auto size = [&](const char* key, std::int64_t most) {
    return strict ? in.integer(key, 1, most) : in.integer_or(key, 0, 0, most);
  };
  out.vocab_size = size("vocab_size", kMaxVocabulary);
  out.hidden_size = size(dialect.hidden_size, kMaxWidth);
  out.intermediate_size = dialect.inner_may_lack ? in.integer_or(dialect.inner, 0, 1, kMaxWidth)
                                                 : size(dialect.inner, kMaxWidth);
  out.num_hidden_layers = size(dialect.layers, kMaxLayers);
  read_attention_shape(in, dialect, strict, out);
  out.max_position_embeddings =
      in.integer_or(dialect.max_positions, strict ? dialect.positions : 0, 1, kMaxPositions);
  out.rms_norm_eps = in.real_or("rms_norm_eps", 1e-6, 1e-30, 1.0);
  out.tie_word_embeddings = in.boolean_or("tie_word_embeddings", dialect.tied);
  out.attention_bias = in.boolean_or("attention_bias", false);
  out.mlp_bias = in.boolean_or("mlp_bias", false);
  out.hidden_act = in.text_or("hidden_act", "silu");
  if (out.hidden_act == "swish") out.hidden_act = "silu";  // two names of one function
  out.rope = read_rope(root, in, out, dialect, strict);
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

/// Chat models often list their stop tokens only here. As in transformers, what ends an answer is
/// this file's business where it says anything.
void read_generation_config(const std::string& path, ModelConfig& out) {
  const nlohmann::json root = parse_object(read_text(path), path);
  std::vector<std::int64_t> ids =
      ConfigFields(root, path).integers("eos_token_id", -1, kMaxTokenId);
  std::erase(ids, -1);
  if (ids.empty()) return;
  const bool lacks_one = std::any_of(
      out.eos_token_id.begin(), out.eos_token_id.end(),
      [&](std::int64_t id) { return std::find(ids.begin(), ids.end(), id) == ids.end(); });
  if (lacks_one)
    log::common_warning(
        "eos_token_id is {} in {} and {} in {}; the latter ends answers, as in transformers",
        fmt::join(out.eos_token_id, ", "), out.origin, fmt::join(ids, ", "), path);
  out.eos_token_id = std::move(ids);
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
    if (is_there(generation)) read_generation_config(generation.string(), out);
    return out;
  }
  if (path.ends_with(".safetensors"))
    throw Error(ErrorCode::input, path + ": holds weights, not what model they belong to")
        .hint("name the folder that holds them and config.json, or a GGUF file");
  if (is_gguf(path)) return from_json(config_json_of_gguf(path), path);
  return from_json(read_text(path), path);
}

}  // namespace axl::weights
