#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace axl::adapter {

/// Names of modules as PEFT takes them: a list of (ends of) names, or one regular expression that
/// has to match a whole name; "all-linear" stands for every linear layer but the output head.
struct ModulePattern {
  std::vector<std::string> names;
  std::string expression;
  bool empty() const { return names.empty() && expression.empty(); }
};

/// adapter_config.json of an adapter, as PEFT 0.21 writes it. What a method does not have is at its
/// default. Module names are those of the
/// base model's modules: "model.layers.0.self_attn.q_proj".
struct PeftConfig {
  std::string peft_type = "LORA";  ///< LORA, IA3, VERA: adapter/registry.cpp
  std::int64_t r = 8;
  double lora_alpha = 8.0;
  double lora_dropout = 0.0;  ///< also VeRA's
  bool use_rslora = false;
  bool use_dora = false;
  /// Written for models whose weights lie as (in, out). What it says of a file is not needed: the
  /// base model's own files tell.
  bool fan_in_fan_out = false;
  /// Rows of the input embedding that are trained alone (PEFT's trainable_token_indices).
  std::vector<std::int64_t> trainable_tokens;
  std::string bias = "none";  ///< none, all, lora_only: which biases of the base are trained
  ModulePattern target_modules;
  ModulePattern exclude_modules;
  ModulePattern feedforward_modules;      ///< IA3: modules whose input is scaled
  std::uint64_t projection_prng_key = 0;  ///< VeRA
  bool save_projection = true;
  double d_initial = 0.1;
  std::vector<std::string> modules_to_save;  ///< ends of names of modules trained whole
  std::vector<std::pair<std::string, std::int64_t>> rank_pattern;  ///< expression -> r, first wins
  std::vector<std::pair<std::string, double>> alpha_pattern;
  std::vector<std::int64_t> layers_to_transform;
  std::vector<std::string> layers_pattern;
  std::string base_model_name_or_path;
  std::string revision;
  std::string task_type = "CAUSAL_LM";
  bool inference_mode = true;
  /// Fields of more than one form, as the file that was read has them (JSON), to be written so.
  std::map<std::string, std::string> verbatim;
  std::string origin;  ///< file that it came from, for error messages

  /// Whether PEFT puts LoRA on this (linear or embedding) module.
  bool targets(const std::string& module) const;
  /// Whether the module's own parameters are trained and saved (modules_to_save).
  bool saves_whole(const std::string& module) const;
  /// Whether IA3 scales what goes into this module.
  bool is_feedforward(const std::string& module) const;
  std::int64_t rank_of(const std::string& module) const;
  double alpha_of(const std::string& module) const;
  /// Factor of B*A: alpha / r, or alpha / sqrt(r) with use_rslora.
  double scaling_of(const std::string& module) const;
};

/// `path` is an adapter folder or its adapter_config.json. Error{input} for a file that is wrong,
/// Error{unsupported} naming the feature for a kind of adapter that is not LoRA as above.
PeftConfig read_peft_config(const std::string& path);

/// The file's text, with every field that PEFT writes, keys sorted.
std::string peft_config_json(const PeftConfig& config);

}  // namespace axl::adapter
