#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/bind.hpp"
#include "config/rules.hpp"
#include "config/value.hpp"

namespace axl::config {
namespace {

bool given(const Node& root, std::string_view key) {
  const Entry* e = root.find(key);
  return e && !e->value.is_null();
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

}  // namespace

void derive(Config& c, const Node& root, bool native_bf16, Report& report) {
  derive_precision(c, native_bf16);

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
      if (!d.chat_template_jinja.empty() && d.chat_template.empty()) d.chat_template = "jinja";
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

std::string effective_json(const Config& c, const Node& root) {
  using Json = nlohmann::ordered_json;
  Json out = Json::object();
  for (const ConfigSection& section : sections())
    for (const ConfigKey& key : section.keys) {
      if (key.action == Action::implement && key.member.index() != 0)
        out[std::string(key.name)] = value_of(c, key);
    }
  for (const Entry& e : root.entries) {  // what was accepted without a member of its own
    const ConfigKey* key = find_key(e.key);
    const bool absent = !out.contains(e.key) || out[e.key].is_null();
    if (key && key->action != Action::alias && !e.value.is_null() && absent)
      out[e.key] = Json::parse(to_json(e.value));
  }
  for (const auto& [name, list] :
       {std::pair{"datasets", &c.datasets}, std::pair{"test_datasets", &c.test_datasets}}) {
    out[name] = Json::array();
    for (const DatasetConfig& d : *list) {
      Json item = Json::object();
      for (const DatasetKey& key : dataset_keys())
        if (key.action == Action::implement) item[std::string(key.name)] = value_of(d, key);
      if (!d.user_defined.empty()) item["type"] = d.user_defined;
      out[name].push_back(std::move(item));
    }
  }
  // Values that stand in the YAML in another form than in their member.
  if (c.save_steps_share) out["save_steps"] = *c.save_steps_share;
  if (c.eval_steps_share) out["eval_steps"] = *c.eval_steps_share;
  // As given, like Axolotl: what auto came to is told by dtype.
  const Entry* bf16 = root.find("bf16");
  out["bf16"] = bf16 && !bf16->value.is_null() ? Json::parse(to_json(bf16->value)) : Json("auto");
  out["dtype"] = c.dtype;
  if (!c.additional_special_tokens.empty())
    out["special_tokens"]["additional_special_tokens"] = c.additional_special_tokens;
  Json kwargs = Json::object();
  for (const auto& [name, text] : c.chat_template_kwargs) kwargs[name] = Json::parse(text);
  out["chat_template_kwargs"] = std::move(kwargs);
  for (const char* size : {"tensor_parallel_size", "context_parallel_size"})
    if (!out.contains(size)) out[size] = 1;
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace axl::config
