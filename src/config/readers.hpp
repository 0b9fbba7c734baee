#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/node.hpp"
#include "config/report.hpp"

// Readers of the values that one member of Config cannot hold, named by the tables of schema.hpp.
// Each reports what is wrong and leaves the member alone then.
namespace axl::config {

void read_model_type(Config&, const Node&, const std::string& key, Report&);
void read_special_tokens(Config&, const Node&, const std::string& key, Report&);
/// added_tokens_overrides: a map from ids to texts.
void read_token_overrides(Config&, const Node&, const std::string& key, Report&);
void read_chat_template(Config&, const Node&, const std::string& key, Report&);
/// chat_template_kwargs: values kept as JSON text.
void read_json_map(Config&, const Node&, const std::string& key, Report&);
void read_datasets(Config&, const Node&, const std::string& key, Report&);
void read_preference_method(Config&, const Node&, const std::string& key, Report&);
/// pretraining_dataset: a path, one map or a list of either.
void read_pretraining_datasets(Config&, const Node&, const std::string& key, Report&);
void read_adapter(Config&, const Node&, const std::string& key, Report&);
/// bnb_config_kwargs: what of BitsAndBytesConfig means something here.
void read_bnb_config(Config&, const Node&, const std::string& key, Report&);
void read_target_modules(Config&, const Node&, const std::string& key, Report&);
/// peft_trainable_token_indices: token ids, or a map from the input embedding to them.
void read_token_indices(Config&, const Node&, const std::string& key, Report&);
void read_optimizer(Config&, const Node&, const std::string& key, Report&);
void read_optim_args(Config&, const Node&, const std::string& key, Report&);
void read_scheduler(Config&, const Node&, const std::string& key, Report&);
void read_bf16(Config&, const Node&, const std::string& key, Report&);
/// bfloat16: true and float32: true are other spellings of bf16: true and bf16: false.
void read_bfloat16(Config&, const Node&, const std::string& key, Report&);
void read_float32(Config&, const Node&, const std::string& key, Report&);
void read_float16(Config&, const Node&, const std::string& key, Report&);
void read_gradient_checkpointing(Config&, const Node&, const std::string& key, Report&);
/// save_steps and eval_steps: a count, or a share of all steps below 1.
void read_steps(Config&, const Node&, const std::string& key, Report&);
/// resume_from_checkpoint: a folder; true: the newest checkpoint in output_dir; false: none.
void read_resume(Config&, const Node&, const std::string& key, Report&);
void read_safetensors(Config&, const Node&, const std::string& key, Report&);
void read_plugins(Config&, const Node&, const std::string& key, Report&);
/// Layout keys that only 1 is supported for.
void read_parallel_size(Config&, const Node&, const std::string& key, Report&);
void read_attention(Config&, const Node&, const std::string& key, Report&);

/// "did you mean 'NAME'?", or "" when no known name is near.
std::string did_you_mean(const std::string& name, std::vector<std::string_view> known);

void read_dataset_type(DatasetConfig&, const Node&, const std::string& key, Report&);
void read_dataset_template(DatasetConfig&, const Node&, const std::string& key, Report&);
void read_mappings(DatasetConfig&, const Node&, const std::string& key, Report&);
void read_roles(DatasetConfig&, const Node&, const std::string& key, Report&);

}  // namespace axl::config
