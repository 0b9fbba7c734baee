#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
#include "weights/gguf_reader.hpp"
#include "weights/gguf_rope.hpp"
#include "weights/model_config_fields.hpp"

namespace axl::weights {
namespace {

struct Family {
  const char* gguf;
  const char* model_type;
  const char* architecture;
};
constexpr Family kFamilies[] = {
    {"llama", "llama", "LlamaForCausalLM"},    {"qwen2", "qwen2", "Qwen2ForCausalLM"},
    {"qwen3", "qwen3", "Qwen3ForCausalLM"},    {"gemma", "gemma", "GemmaForCausalLM"},
    {"gemma2", "gemma2", "Gemma2ForCausalLM"}, {"gemma3", "gemma3_text", "Gemma3ForCausalLM"},
    {"phi3", "phi3", "Phi3ForCausalLM"}};

class GgufConfig {
 public:
  explicit GgufConfig(const std::string& path) : path_(path), file_(path), in_(parse_gguf(file_)) {
    const std::string* architecture = in_.metadata.string("general.architecture");
    if (architecture == nullptr)
      throw Error(ErrorCode::input, path + ": has no metadata general.architecture");
    architecture_ = *architecture;
  }

  nlohmann::json convert() const {
    nlohmann::json out;
    const auto family = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                     [&](const Family& f) { return architecture_ == f.gguf; });
    const bool known = family != std::end(kFamilies);
    out["model_type"] = known ? family->model_type : architecture_;
    out["architectures"] = {known ? std::string(family->architecture) : architecture_};
    out["hidden_act"] = "silu";
    copy(out, "num_hidden_layers", "block_count");
    copy(out, "hidden_size", "embedding_length");
    copy(out, "intermediate_size", "feed_forward_length");
    copy(out, "num_attention_heads", "attention.head_count");
    copy(out, "num_key_value_heads", "attention.head_count_kv");
    copy(out, "head_dim", "attention.key_length");
    copy(out, "max_position_embeddings", "context_length");
    copy(out, "rms_norm_eps", "attention.layer_norm_rms_epsilon");
    if (!out.contains("head_dim")) derive_head_dim(out);
    check_rotary_size(out);
    const GgufTensor* embeddings = tensor("token_embd.weight");
    if (embeddings != nullptr)
      out["vocab_size"] = embeddings->shape.front();
    else
      copy(out, "vocab_size", "vocab_size");
    out["tie_word_embeddings"] = tensor("output.weight") == nullptr;
    out["attention_bias"] = tensor("blk.0.attn_q.bias") != nullptr;
    out["mlp_bias"] = tensor("blk.0.ffn_up.bias") != nullptr;
    out["rope_theta"] = 10000.0;
    copy(out, "rope_theta", "rope.freq_base");
    if (known && value("rope.freq_base") == nullptr)
      log::info("{}: no {}.rope.freq_base; 10000 is taken, as llama.cpp does", path_,
                architecture_);
    add_rope_scaling(out);
    if (architecture_.starts_with("gemma")) add_gemma(out);
    if (architecture_ == "phi3") copy(out, "sliding_window", "attention.sliding_window");
    for (const char* name : {"bos", "eos", "padding"}) {
      const std::int64_t* id =
          in_.metadata.integer("tokenizer.ggml." + std::string(name) + "_token_id");
      if (id != nullptr)
        out[std::strcmp(name, "padding") == 0 ? "pad_token_id" : std::string(name) + "_token_id"] =
            *id;
    }
    if (known && !out.contains("rms_norm_eps"))
      throw Error(ErrorCode::input, path_ + ": has no metadata " + architecture_ +
                                        ".attention.layer_norm_rms_epsilon")
          .hint("llama.cpp refuses such a file too");
    out["torch_dtype"] = dtype_name(embeddings);
    return out;
  }

 private:
  const GgufTensor* tensor(std::string_view name) const {
    const auto found = std::find_if(in_.tensors.begin(), in_.tensors.end(),
                                    [&](const GgufTensor& t) { return t.name == name; });
    return found == in_.tensors.end() ? nullptr : &*found;
  }

  const GgufValue* value(const std::string& key) const {
    const auto found = in_.metadata.values.find(architecture_ + "." + key);
    return found == in_.metadata.values.end() ? nullptr : &found->second;
  }

  /// Numbers only; a list (a value a layer) is left to the checks of the JSON reader.
  void copy(nlohmann::json& out, const char* to, const char* from) const {
    const GgufValue* v = value(from);
    if (v == nullptr) return;
    if (const auto* integer = std::get_if<std::int64_t>(v))
      out[to] = *integer;
    else if (const auto* real = std::get_if<double>(v))
      out[to] = shortest(*real);
    else if (const auto* list = std::get_if<std::vector<std::int64_t>>(v))
      out[to] = *list;
    else
      throw Error(ErrorCode::input,
                  path_ + ": metadata " + architecture_ + "." + from + " is not a number");
  }

  /// GGUF stores floats: 1e-5f comes back as 9.99999974e-06. The shortest decimal that names the
  /// same float is what the model's author wrote.
  static double shortest(double stored) {
    const float narrow = static_cast<float>(stored);
    if (static_cast<double>(narrow) != stored) return stored;
    char text[32];
    for (int digits = 1; digits <= 9; ++digits) {
      std::snprintf(text, sizeof(text), "%.*g", digits, stored);
      if (std::strtof(text, nullptr) == narrow) break;
    }
    return std::strtod(text, nullptr);
  }

  void derive_head_dim(nlohmann::json& out) const {
    const GgufTensor* query = tensor("blk.0.attn_q.weight");
    const auto heads = out.find("num_attention_heads");
    if (query == nullptr || heads == out.end() || !heads->is_number_integer()) return;
    const auto count = heads->get<std::int64_t>();
    if (count > 0 && query->shape.front() % count == 0)
      out["head_dim"] = query->shape.front() / count;
  }

  void check_rotary_size(const nlohmann::json& out) const {
    const GgufValue* rotated = value("rope.dimension_count");
    const auto* size = rotated == nullptr ? nullptr : std::get_if<std::int64_t>(rotated);
    if (size != nullptr && architecture_ == "llama" && out.contains("head_dim") &&
        out["head_dim"] != *size)
      throw Error(ErrorCode::unsupported,
                  path_ + ": rotates " + std::to_string(*size) + " of " +
                      json_text(out["head_dim"]) +
                      " dimensions of a head; only whole heads are supported");
  }

  /// What llama.cpp knows of Gemma without metadata: the scale of the scores, which goes by the
  /// hidden size in the largest models (27 B) and by the heads in all others; GeGLU; windows in all
  /// but every sixth layer of Gemma 3 and in every other one of Gemma 2.
  void add_gemma(nlohmann::json& out) const {
    out["hidden_activation"] = "gelu_pytorch_tanh";
    const std::int64_t layers = out.value("num_hidden_layers", std::int64_t{0});
    const std::int64_t heads = out.value("num_attention_heads", std::int64_t{1});
    const bool largest = architecture_ == "gemma2" ? layers == 46 : layers == 62;
    out["query_pre_attn_scalar"] = largest && heads > 0
                                       ? out.value("hidden_size", std::int64_t{0}) / heads
                                       : out.value("head_dim", std::int64_t{256});
    copy(out, "sliding_window", "attention.sliding_window");
    if (architecture_ == "gemma3") out["sliding_window_pattern"] = 6;
    if (architecture_ != "gemma2") return;
    copy(out, "attn_logit_softcapping", "attn_logit_softcapping");
    copy(out, "final_logit_softcapping", "final_logit_softcapping");
  }

  void add_rope_scaling(nlohmann::json& out) const {
    for (const char* factors : {"rope_factors_long.weight", "rope_factors_short.weight"})
      if (tensor(factors) != nullptr)
        throw Error(ErrorCode::unsupported, path_ + ": rope scaling by " + factors +
                                                " (longrope) cannot be read from a GGUF")
            .hint("take the model's safetensors");
    const GgufValue* type = value("rope.scaling.type");
    const auto* name = type == nullptr ? nullptr : std::get_if<std::string>(type);
    nlohmann::json scaling;
    if (name != nullptr && *name != "none") {
      scaling["rope_type"] = *name;
      copy(scaling, "factor", "rope.scaling.factor");
      copy(scaling, "original_max_position_embeddings", "rope.scaling.original_context_length");
      copy(scaling, "beta_fast", "rope.scaling.yarn_beta_fast");
      copy(scaling, "beta_slow", "rope.scaling.yarn_beta_slow");
    } else if (const GgufTensor* divisors = tensor("rope_freqs.weight")) {
      const std::int64_t n = divisors->shape.front();
      if (divisors->type != 0 || divisors->shape.size() != 1 || n < 1 ||
          n * 2 != out.value("head_dim", 0))
        throw Error(ErrorCode::input, path_ + ": rope_freqs.weight must be head_dim / 2 floats");
      std::vector<float> values(static_cast<std::size_t>(n));
      std::memcpy(values.data(), divisors->bytes.data(), divisors->bytes.size());
      const Llama3Scaling found = llama3_scaling_of(values, out["rope_theta"].get<double>(), path_);
      scaling = {{"rope_type", "llama3"},
                 {"factor", found.factor},
                 {"low_freq_factor", found.low_freq_factor},
                 {"high_freq_factor", found.high_freq_factor},
                 {"original_max_position_embeddings", found.original_max_position_embeddings}};
    }
    if (!scaling.is_null()) out["rope_scaling"] = scaling;
  }

  /// What an exported folder would hold: quantised files hold no more than bfloat16's precision.
  static const char* dtype_name(const GgufTensor* embeddings) {
    if (embeddings != nullptr && embeddings->type == 0) return "float32";
    if (embeddings != nullptr && embeddings->type == 1) return "float16";
    return "bfloat16";
  }

  std::string path_;
  MappedFile file_;
  GgufContents in_;
  std::string architecture_;
};

}  // namespace

std::string config_json_of_gguf(const std::string& path) {
  // Texts of a GGUF need not be UTF-8.
  return json_text(GgufConfig(path).convert(), 2) + "\n";
}

}  // namespace axl::weights
