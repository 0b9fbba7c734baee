#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace axl::weights {

/// Rotary position scaling (transformers' rope_parameters / rope_scaling), as numbers.
struct RopeConfig {
  std::string type = "default";  ///< default, linear, dynamic, llama3, yarn, longrope
  double theta = 10000.0;
  double factor = 1.0;
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  // llama3
  double beta_fast = 32.0, beta_slow = 1.0;              // yarn
  double attention_factor = 0.0;                         // yarn, longrope; 0 = derive
  double mscale = 0.0, mscale_all_dim = 0.0;             // yarn
  bool truncate = true;                                  // yarn
  std::vector<double> short_factor, long_factor;         // longrope: rotated / 2 divisors each
  std::int64_t original_max_position_embeddings = 0;
  double partial_rotary_factor = 1.0;
};

/// config.json in both the published (transformers 4) and the transformers-5 style, or GGUF
/// metadata, brought to one form: what every model has, under one name. `raw` keeps the whole JSON,
/// from which the families (family/family.hpp) read what is theirs alone.
struct ModelConfig {
  std::string architecture;  ///< "LlamaForCausalLM"
  std::string model_type;    ///< "llama"
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;  ///< intermediate_size may be 0: the family derives it
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t max_position_embeddings = 0;
  double rms_norm_eps = 1e-6;
  bool tie_word_embeddings = false;
  bool attention_bias = false;
  bool mlp_bias = false;
  std::string hidden_act = "silu";
  RopeConfig rope;
  std::vector<std::int64_t> bos_token_id, eos_token_id;
  std::int64_t pad_token_id = -1;
  /// Row of the embedding that never gets a gradient, as torch takes pad_token_id: a negative one
  /// counts from the end. -1: none.
  std::int64_t padding_row = -1;
  std::string torch_dtype;  ///< "float32", "bfloat16", ... as the file says
  std::string raw;          ///< JSON text (for a GGUF: the equivalent config.json)
  std::string origin;       ///< file that it came from, for error messages
};

/// `name` is a model of the Hub, a Hugging Face folder, a config.json or a .gguf. Every number is
/// bounds-checked; Error{input} names the field.
ModelConfig read_model_config(const std::string& name);

}  // namespace axl::weights
