#pragma once
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "family/family.hpp"
#include "support/temporary_folder.hpp"
#include "unit/model/tiny_model.hpp"

namespace axl::test {

/// A config.json of a tiny model, with an odd number of things that must not be mixed up: heads
/// times head_dim is not the hidden size, and sizes are no powers of two.
struct FamilyCase {
  const char* name;
  const char* config;
};
/// GoogleTest would print the bytes.
inline void PrintTo(const FamilyCase& c, std::ostream* out) { *out << c.name; }

inline std::vector<FamilyCase> family_cases() {
  return {
      {"llama", R"("architectures": ["LlamaForCausalLM"], "model_type": "llama", "head_dim": 4,
                   "num_key_value_heads": 2, "intermediate_size": 22, "attention_bias": true)"},
      {"mistral", R"("architectures": ["MistralForCausalLM"], "model_type": "mistral",
                     "head_dim": 6, "num_key_value_heads": 1, "intermediate_size": 22,
                     "sliding_window": 3)"},
      {"qwen2", R"("architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
                   "num_key_value_heads": 2, "intermediate_size": 22, "use_sliding_window": true,
                   "sliding_window": 2, "max_window_layers": 1, "tie_word_embeddings": true)"},
      {"qwen3", R"("architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 6,
                   "num_key_value_heads": 2, "intermediate_size": 22)"},
      {"phi3", R"("architectures": ["Phi3ForCausalLM"], "model_type": "phi3",
                  "num_key_value_heads": 2, "intermediate_size": 22, "partial_rotary_factor": 0.5,
                  "sliding_window": 4)"},
      {"phi3_longrope", R"("architectures": ["Phi3ForCausalLM"], "model_type": "phi3",
                  "num_key_value_heads": 2, "intermediate_size": 22, "rope_scaling":
                  {"type": "longrope", "short_factor": [1.0, 1.5], "long_factor": [2.0, 3.0]},
                  "original_max_position_embeddings": 5)"},
      {"gemma2", R"("architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "head_dim": 6,
                    "num_key_value_heads": 2, "intermediate_size": 22, "sliding_window": 3,
                    "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0,
                    "query_pre_attn_scalar": 5)"},
      {"gemma3", R"("architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text",
                    "head_dim": 6, "num_key_value_heads": 1, "intermediate_size": 22,
                    "sliding_window": 3, "sliding_window_pattern": 2, "query_pre_attn_scalar": 5)"},
      {"gpt2", R"("architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 16,
                  "n_layer": 2, "n_head": 4, "n_inner": 22, "n_positions": 64)"},
      {"gpt_neox", R"("architectures": ["GPTNeoXForCausalLM"], "model_type": "gpt_neox",
                      "intermediate_size": 22, "rotary_pct": 0.5)"},
      {"gpt_neox_sequential", R"("architectures": ["GPTNeoXForCausalLM"],
                      "model_type": "gpt_neox", "intermediate_size": 22, "rotary_pct": 1.0,
                      "use_parallel_residual": false, "hidden_act": "relu")"}};
}

/// A folder with a model of the case: config.json and random weights.
class TinyFamily {
 public:
  explicit TinyFamily(const FamilyCase& c) {
    config = weights::read_model_config(folder_.write(
        "config.json", R"({"vocab_size": 37, "hidden_size": 16, "num_hidden_layers": 2,
          "num_attention_heads": 4, "max_position_embeddings": 64, )" +
                           std::string(c.config) + "}"));
    write();
    file = std::make_unique<weights::WeightFile>(weights::WeightFile::open(folder_.path()));
  }
  std::string folder() const { return folder_.path(); }

  weights::ModelConfig config;
  std::unique_ptr<weights::WeightFile> file;

 private:
  /// What the family's shape and names ask for, written down a second time.
  void write() {
    using family::QkvLayout;
    const family::FamilySpec& spec = family::family_of(config);
    const family::ModelShape shape = family::shape_of(config);
    const family::ModuleNames& n = spec.modules;
    const std::int64_t C = config.hidden_size;
    const auto add = [&](std::string_view module, std::int64_t layer, const char* what,
                         std::vector<std::int64_t> dims) {
      tensors_.emplace_back(family::module_name(module, layer) + "." + what, std::move(dims));
    };
    const auto norm = [&](std::string_view module, std::int64_t layer, std::int64_t width) {
      add(module, layer, "weight", {width});
      if (shape.final_norm.kind == family::NormKind::layer) add(module, layer, "bias", {width});
    };
    add(n.embed, 0, "weight", {config.vocab_size, C});
    if (shape.learned_positions > 0) add(n.positions, 0, "weight", {shape.learned_positions, C});
    for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
      const family::LayerShape& l = shape.layers[static_cast<std::size_t>(i)];
      const std::int64_t D = l.attention.head_dim, Q = l.attention.heads * D;
      const std::int64_t K = l.attention.kv_heads * D, F = l.mlp.inner;
      const auto linear = [&](std::string_view module, std::int64_t in, std::int64_t out,
                              bool biased) {
        if (module.empty()) return;
        add(module, i, "weight", spec.conv1d ? std::vector{in, out} : std::vector{out, in});
        if (biased) add(module, i, "bias", {out});
      };
      norm(n.input_norm, i, C);
      norm(n.post_norm, i, C);
      for (const std::string_view extra : {n.attention_out_norm, n.mlp_out_norm})
        if (!extra.empty()) norm(extra, i, C);
      for (const std::string_view extra : {n.q_norm, n.k_norm})
        if (!extra.empty()) norm(extra, i, D);
      linear(n.q, C, Q, l.attention.qkv_bias);
      linear(n.k, C, K, l.attention.qkv_bias);
      linear(n.v, C, K, l.attention.qkv_bias);
      linear(n.qkv, C, Q + 2 * K, l.attention.qkv_bias);
      linear(n.o, Q, C, l.attention.out_bias);
      linear(n.gate, C, F, l.mlp.biased);
      linear(n.up, C, F, l.mlp.biased);
      linear(n.gate_up, C, 2 * F, l.mlp.biased);
      linear(n.down, F, C, l.mlp.biased);
    }
    norm(n.final_norm, 0, C);
    if (!config.tie_word_embeddings) add(n.lm_head, 0, "weight", {config.vocab_size, C});
    save();
  }
  void save() {
    std::vector<std::vector<float>> values;
    for (const auto& [name, dims] : tensors_) {
      std::int64_t elements = 1;
      for (const std::int64_t d : dims) elements *= d;
      auto& v = values.emplace_back();
      const double scale = 1.7 / std::sqrt(static_cast<double>(dims.back()));
      for (std::int64_t i = 0; i < elements; ++i) {
        const double u =
            2.0 * random_uniform(9, values.size(), static_cast<std::uint64_t>(i)) - 1.0;
        v.push_back(static_cast<float>(dims.size() == 1 ? 1.0 + 0.3 * u : u * scale));
      }
    }
    std::vector<weights::TensorToWrite> out;
    for (std::size_t i = 0; i < tensors_.size(); ++i)
      out.push_back(weights::float_tensor(tensors_[i].first, tensors_[i].second, values[i].data()));
    weights::write_safetensors(folder_.path("model.safetensors"), out);
  }
  TemporaryFolder folder_;
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> tensors_;
};

}  // namespace axl::test
