#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace axl::config {

/// One entry of `datasets:` / `test_datasets:`; member names are Axolotl's keys.
struct DatasetConfig {
  std::string path;
  std::vector<std::string> data_files;
  std::vector<std::string> name;  ///< subsets of a Hugging Face data set
  std::string revision;           ///< of a Hugging Face data set: branch, tag or commit
  std::string type;               ///< "alpaca", "alpaca:chat", "chat_template", "completion", ...
  std::string ds_type;
  std::string split = "train";  ///< also "train[:500]", "train[10%:20%]"
  std::optional<std::int64_t> shards;
  std::int64_t shards_idx = 0;
  std::string field = "text";
  std::string field_messages = "messages";
  std::string field_tools = "tools";
  std::string field_thinking = "reasoning_content";
  std::string template_thinking_key = "reasoning_content";
  bool split_thinking = false;
  std::map<std::string, std::string> message_property_mappings{{"role", "role"},
                                                               {"content", "content"}};
  std::string message_field_training;
  std::string message_field_training_detail;
  /// target role -> source names
  std::map<std::string, std::vector<std::string>> roles{{"user", {"human", "user"}},
                                                        {"assistant", {"gpt", "assistant"}},
                                                        {"system", {"system"}},
                                                        {"tool", {"tool"}}};
  std::vector<std::string> roles_to_train{"assistant"};
  std::string train_on_eos = "turn";  ///< all, turn, last, none
  std::string train_on_eot = "turn";
  std::string chat_template;        ///< after inheritance from the top level
  std::string chat_template_jinja;  ///< template text or a file's path
  bool drop_system_message = false;
  std::string conversation;          ///< alpaca_chat: instruct, chat, chatml, phi
  std::string text_column = "text";  ///< pretraining_dataset
  std::int64_t skip = 0;             ///< pretraining_dataset: rows left out at the start
  std::string field_chosen = "chosen";
  std::string field_rejected = "rejected";
  std::string step_separator = "\n";  ///< stepwise_supervised
  std::optional<std::int64_t> max_completion_length;
  bool train_on_last_step_only = false;
  std::int64_t length = 1000;  ///< _synthetic: rows
  std::optional<std::int64_t> sequence_length;
  std::int64_t min_input_id = 100;
  std::optional<std::int64_t> max_input_id;
  std::optional<std::int64_t> seed;
  double weight = 1.0;             ///< our extension: how often its rows are taken, see mixing
  std::string preprocess_command;  ///< our extension: maps JSONL to JSONL
  std::vector<std::string> row_transforms;  ///< our extension: "strip", "rename OLD NEW", ...
  /// User-defined `type:` map: system_prompt, system_format, field_instruction, format, ...
  std::map<std::string, std::string> user_defined;
  UserLocation where;
};

/// The whole configuration after defaults and derivation; member names are Axolotl's keys.
/// Declared once more, with documentation, bounds and defaults, in config/schema.cpp.
struct Config {
  // model and tokenizer
  std::string base_model;
  std::string base_model_config;
  std::string model_revision;
  std::string model_type;
  std::string tokenizer_config;
  std::string tokenizer_type;
  std::map<std::string, std::string>
      special_tokens;  ///< bos_token, eos_token, pad_token, unk_token
  std::map<std::string, std::string> added_tokens_overrides;  ///< id, in digits -> its new text
  bool resize_token_embeddings_to_32x = false;
  bool mean_resizing_embeddings = false;
  std::vector<std::string> additional_special_tokens;
  std::vector<std::string> tokens;
  std::string chat_template;
  std::string chat_template_jinja;
  std::map<std::string, std::string> chat_template_kwargs;  ///< values as JSON text
  std::vector<std::string> eot_tokens;
  std::string default_system_message;

  // data
  std::vector<DatasetConfig> datasets;
  std::vector<DatasetConfig> test_datasets;
  double val_set_size = 0.0;  ///< <= 1: a share; > 1: rows
  bool shuffle_merged_datasets = true;
  bool curriculum_sampling = false;
  std::string dataset_prepared_path = "last_run_prepared";
  std::string excess_length_strategy = "drop";  ///< drop, truncate, raise
  std::int64_t min_sample_len = 2;
  bool train_on_inputs = false;
  std::int64_t dataset_num_proc = 0;  ///< 0 = cores of this rank
  bool dataset_exact_deduplication = false;
  double dataset_near_deduplication = 0.0;  ///< our extension: similarity from which rows are one
  bool shuffle_before_merging_datasets = false;
  std::optional<std::int64_t> dataset_shard_num;
  std::optional<std::int64_t> dataset_shard_idx;
  std::string dataset_mixing = "concatenate";  ///< our extension: or "interleave"
  std::optional<double> dataset_mixing_temperature;
  std::string curriculum_order;  ///< our extension: "", length, length_descending
  double token_dropout = 0.0;    ///< our extension: share of prompt tokens hidden in training
  std::vector<DatasetConfig> pretraining_dataset;
  bool streaming = false;
  std::int64_t streaming_multipack_buffer_size = 10000;
  bool pretraining_sample_concatenation = false;
  std::string rl;  ///< "", dpo; of ipo, simpo, orpo, kto the rows are read and shown, not trained
  std::optional<double> rl_beta, trl_beta, orpo_alpha;
  double dpo_label_smoothing = 0.0;
  /// How far the model may go from its reference: trl.beta, rl_beta or orpo_alpha, the first given.
  double preference_beta() const {
    constexpr double kTrlDefault = 0.1;
    return trl_beta.value_or(rl_beta.value_or(orpo_alpha.value_or(kTrlDefault)));
  }

  // sequences
  std::int64_t sequence_len = 512;
  std::optional<std::int64_t> eval_sequence_len;
  bool sample_packing = false;
  std::optional<bool> eval_sample_packing;
  std::int64_t sample_packing_group_size = 100000;
  std::int64_t sample_packing_bin_size = 200;
  bool sample_packing_sequentially = false;
  std::optional<bool> pad_to_sequence_len;

  // adapter
  std::string adapter;  ///< "" = full fine-tune, "lora", "qlora"
  bool load_in_4bit = false;
  // bnb_config_kwargs
  std::string bnb_4bit_quant_type = "nf4";
  bool bnb_4bit_use_double_quant = true;
  std::int64_t bnb_4bit_blocksize = 64;
  std::string lora_model_dir;
  std::int64_t lora_r = 0;
  double lora_alpha = 0;
  double lora_dropout = 0.0;
  std::vector<std::string> lora_target_modules;
  /// lora_target_modules was one string: a regex that a module's whole name must match (as in
  /// PEFT); a list holds name endings.
  bool lora_target_is_regex = false;
  bool lora_target_linear = false;
  std::vector<std::string> lora_modules_to_save;
  bool peft_use_rslora = false;
  bool peft_use_dora = false;
  std::vector<std::string> ia3_feedforward_modules;
  double vera_d_initial = 0.1;
  std::int64_t vera_projection_prng_key = 0;
  bool vera_save_projection = true;
  std::vector<std::int64_t> peft_trainable_token_indices;
  std::vector<std::int64_t> peft_layers_to_transform;
  std::map<std::string, std::int64_t> lora_rank_pattern;
  std::map<std::string, double> lora_alpha_pattern;
  std::vector<std::string> unfrozen_parameters;

  // batch and length of training
  std::int64_t micro_batch_size = 1;
  std::int64_t gradient_accumulation_steps = 1;
  std::optional<std::int64_t> batch_size;
  std::int64_t eval_batch_size = 1;
  double num_epochs = 1.0;
  std::optional<std::int64_t> max_steps;

  // optimiser and schedule
  std::string optimizer = "adamw_torch_fused";  ///< as given; one of optimizer_names()
  std::map<std::string, double> optim_args;     ///< booleans as 0 and 1
  std::string lr_scheduler = "cosine";
  double learning_rate = 0.0;
  std::optional<std::int64_t> warmup_steps;
  std::optional<double> warmup_ratio;
  std::optional<double> cosine_min_lr_ratio;
  std::optional<double> cosine_constant_lr_ratio;
  double weight_decay = 0.0;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.999;
  double adam_epsilon = 1e-8;
  double max_grad_norm = 1.0;
  std::optional<double> loraplus_lr_ratio;
  std::optional<double> loraplus_lr_embedding;
  std::optional<double> embedding_lr;
  std::optional<double> embedding_lr_scale;
  std::optional<double> neftune_noise_alpha;

  // precision and memory
  std::string dtype = "f32";  ///< derived from bf16/fp16/bfloat16/float32: "f32" or "bf16"
  std::string bf16 = "auto";  ///< given: auto, true, false, full; after derivation true or false
  bool gradient_checkpointing = false;

  // running
  std::int64_t seed = 42;
  std::string output_dir = "./model-out";
  std::optional<std::int64_t> logging_steps;
  std::optional<std::int64_t> save_steps;
  std::optional<double> save_steps_share;  ///< save_steps < 1: this share of all steps
  std::optional<std::int64_t> saves_per_epoch;
  std::string save_strategy;  ///< "", steps, epoch, no, best
  std::int64_t save_total_limit = 4;
  std::optional<std::int64_t> eval_steps;
  std::optional<double> eval_steps_share;  ///< eval_steps < 1: this share of all steps
  std::optional<std::int64_t> evals_per_epoch;
  std::string eval_strategy;  ///< "", steps, epoch, no
  std::string resume_from_checkpoint;
  bool resume_from_newest = false;  ///< resume_from_checkpoint: true
  bool auto_resume_from_checkpoints = false;
  std::vector<std::string> allow_changed;  ///< settings that may differ from the checkpoint's
  std::string loss_normalization = "global_tokens";  ///< our extension; or "axolotl"
  std::optional<double> loss_watchdog_threshold;
  std::int64_t loss_watchdog_patience = 3;
  std::optional<std::int64_t> early_stopping_patience;
  bool use_tensorboard = true;
  bool save_first_step = false;
  bool save_only_model = false;

  /// base_model as it is opened: a name of the Hub with model_revision behind it.
  std::string model_source() const;
  /// The same of the tokenizer: tokenizer_config, else base_model.
  std::string tokenizer_source() const;

  /// Where each given key stands in the YAML (or "command line").
  std::map<std::string, UserLocation> locations;
  UserLocation at(const std::string& key) const {
    const auto it = locations.find(key);
    return it == locations.end() ? UserLocation{"", 0, 0, key} : it->second;
  }
};

/// One finding about a configuration.
struct Finding {
  UserLocation where;  ///< file, line, column, key
  std::string message;
  std::string hint;
};

/// What reading a file gave: every problem of it, not only the first.
struct LoadResult {
  Config config;
  std::vector<Finding> errors;  ///< what is wrong in the file
  /// What is right in the file and cannot be trained by this version, each with the reason.
  std::vector<Finding> unsupported;
  std::vector<Finding> warnings;
  std::vector<Finding> notices;  ///< accepted keys that have no effect here, each with the reason
  std::vector<std::string> ignored;  ///< keys that nobody reads: Axolotl drops them silently
  std::string effective_json;        ///< every key's value after defaults and derivation
  /// A valid configuration; whether it can be trained here is trainable().
  bool accepted() const { return errors.empty(); }
  bool trainable() const { return errors.empty() && unsupported.empty(); }
};

struct LoadOptions {
  bool strict = false;  ///< unknown keys are errors
  /// --learning-rate 1e-4 -> {"learning_rate", "1e-4"}; nested keys "datasets.0.path"
  std::vector<std::pair<std::string, std::string>> overrides;
  /// Only the rows are prepared or shown: load_or_throw() lets settings pass that cannot be
  /// trained.
  bool rows_only = false;
  /// Does the processor compute in bf16 (what `bf16: auto` asks)? Unset: cpu_has_native_bf16().
  std::optional<bool> native_bf16;
};

/// AVX512-BF16 or AMX-BF16, usable in this process.
bool cpu_has_native_bf16();

/// Reads, merges overrides, validates, derives. Never throws for what is wrong in the file.
/// A directory that holds one YAML stands for it.
LoadResult load(const std::string& path, const LoadOptions& options);

/// The same for a configuration's text; `file` names it in messages.
LoadResult load_text(const std::string& text, const std::string& file, const LoadOptions& options);

/// The files that the configuration names and that are not there: datasets, base model, adapter,
/// template, checkpoint. Apart from load(), so that a configuration made for another machine can
/// be validated.
std::vector<Finding> check_files(const Config& config);

/// Prints every finding and throws Error{config} (exit code 2) when there are errors or keys that
/// this version cannot train yet. Files that are missing are errors too.
LoadResult load_usable(const std::string& path, const LoadOptions& options);
/// The values of load_usable() alone.
Config load_or_throw(const std::string& path, const LoadOptions& options);

/// "FILE:LINE:COLUMN: KEY: MESSAGE", with the hint in a line of its own.
std::string to_string(const Finding& finding);

/// The JSON Schema of the YAML, from the same table that parsing uses. `strict`: keys that the
/// table does not know are not allowed.
std::string json_schema(bool strict = false);
/// docs/configuration.md, generated from the same table.
std::string reference_markdown();
/// docs/migration.md: what each key of Axolotl comes to here.
std::string migration_markdown();

}  // namespace axl::config
