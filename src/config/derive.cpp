#include <algorithm>

#include "config/rules.hpp"
#include "config/value.hpp"

namespace axl::config {
namespace {

bool given(const Node& root, std::string_view key) {
  const Entry* e = root.find(key);
  return e && !e->value.is_null();
}

/// fsdp_config asks for the same thing under a name of its own.
bool fsdp_checkpointing(const Node& root) {
  const Entry* fsdp = root.find("fsdp_config");
  for (const char* name : {"activation_checkpointing", "fsdp_activation_checkpointing"}) {
    const Entry* e = fsdp ? fsdp->value.find(name) : nullptr;
    if (e && as_bool(e->value).value_or(false)) return true;
  }
  return false;
}

void derive_precision(Config& c, bool native_bf16) {
  const bool pure_bf16 = c.dtype == "bf16";
  const bool forced_f32 = c.dtype == "float32";
  const bool asked = c.bf16 == "true" || c.bf16 == "full" || pure_bf16;
  const bool bf16 = asked || (c.bf16 == "auto" && native_bf16 && !forced_f32);
  c.dtype = bf16 ? "bf16" : "f32";
  c.bf16 = bf16 ? "true" : "false";
}

/// Axolotl turns a number of checkpoints (evaluations) an epoch into a share of all steps; one a
/// run or fewer is no share at all.
std::optional<double> share_of(std::optional<std::int64_t> per_epoch, double epochs) {
  if (!per_epoch || *per_epoch <= 0 || epochs <= 0) return std::nullopt;
  const double share = 1.0 / (static_cast<double>(*per_epoch) * epochs);
  return share < 1.0 ? std::optional<double>(share) : std::nullopt;
}

/// Optimi's AdamW has defaults of its own; Axolotl hands its betas over only as a pair.
void derive_optimi(Config& c, const Node& root) {
  if (c.optimizer != "optimi_adamw") return;
  const bool pair = given(root, "adam_beta1") && given(root, "adam_beta2") && c.adam_beta1 > 0 &&
                    c.adam_beta2 > 0;
  if (!pair) {
    c.adam_beta1 = 0.9;
    c.adam_beta2 = 0.99;
  }
  if (!given(root, "adam_epsilon")) c.adam_epsilon = 1e-6;
}

/// Axolotl gives the preference trainers trl.beta where it is there.
std::optional<double> trl_beta(const Node& root) {
  const Entry* trl = root.find("trl");
  const Entry* beta = trl ? trl->value.find("beta") : nullptr;
  return beta ? as_number(beta->value) : std::nullopt;
}

}  // namespace

void derive(Config& c, const Node& root, bool native_bf16, Report& report) {
  derive_precision(c, native_bf16);
  if (fsdp_checkpointing(root)) c.gradient_checkpointing = true;
  derive_optimi(c, root);
  c.trl_beta = trl_beta(root);

  if (c.batch_size && !given(root, "gradient_accumulation_steps"))
    c.gradient_accumulation_steps =
        std::max<std::int64_t>(1, *c.batch_size / std::max<std::int64_t>(1, c.micro_batch_size));
  if (!given(root, "micro_batch_size") && given(root, "batch_size") &&
      given(root, "gradient_accumulation_steps"))
    c.micro_batch_size = std::max<std::int64_t>(
        1, *c.batch_size / std::max<std::int64_t>(1, c.gradient_accumulation_steps));
  if (!c.batch_size) c.batch_size = c.micro_batch_size * c.gradient_accumulation_steps;
  if (!given(root, "eval_batch_size")) c.eval_batch_size = c.micro_batch_size;

  if (!c.eval_sample_packing && c.sample_packing) c.eval_sample_packing = true;
  const Entry* reward = root.find("reward_model");
  const bool reward_model = reward && as_bool(reward->value).value_or(false);
  if (!c.pad_to_sequence_len && (c.sample_packing || reward_model)) c.pad_to_sequence_len = true;

  if (!c.chat_template_jinja.empty() && c.chat_template.empty()) c.chat_template = "jinja";
  for (auto* list : {&c.datasets, &c.test_datasets})
    for (DatasetConfig& d : *list) {
      if (!d.chat_template_jinja.empty() && d.chat_template.empty()) {
        if (d.type != "chat_template") {
          d.chat_template = "jinja";
        } else {  // the default is filled in before Axolotl looks at the text
          report.warning(c.at(d.where.key + ".chat_template_jinja"),
                         "has no effect without chat_template: jinja, as in Axolotl 0.19",
                         "add chat_template: jinja to this data set");
          d.chat_template_jinja.clear();
        }
      }
      if (!d.type.starts_with("chat_template")) continue;
      if (d.chat_template.empty()) {
        d.chat_template = c.chat_template.empty() ? "tokenizer_default" : c.chat_template;
        if (d.chat_template == "jinja") d.chat_template_jinja = c.chat_template_jinja;
      }
    }

  const bool eval_rows = c.val_set_size > 0 || !c.test_datasets.empty();
  if (!c.save_steps && !c.save_steps_share)
    c.save_steps_share = share_of(c.saves_per_epoch, c.num_epochs);
  if (!c.eval_steps && !c.eval_steps_share && eval_rows)
    c.eval_steps_share = share_of(c.evals_per_epoch, c.num_epochs);
  if (given(root, "saves_per_epoch") && c.saves_per_epoch.value_or(0) > 0 && !c.save_steps_share &&
      static_cast<double>(*c.saves_per_epoch) * c.num_epochs < 1)
    report.warning(report.place("saves_per_epoch", root.find("saves_per_epoch")->value),
                   "gives less than one checkpoint a run; one is written at the end");
  if (c.save_strategy.empty())
    c.save_strategy = c.save_steps || c.save_steps_share ? "steps" : "epoch";
  if (c.saves_per_epoch == 0 && !given(root, "save_strategy") && !c.save_steps)
    c.save_strategy = "no";
  if (!eval_rows) {
    c.eval_strategy = "no";
  } else if (c.eval_strategy.empty()) {
    const bool off = c.evals_per_epoch == 0;
    c.eval_strategy = off ? "no" : c.eval_steps || c.eval_steps_share ? "steps" : "epoch";
  }
}

}  // namespace axl::config
