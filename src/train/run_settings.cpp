#include "train/run_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "core/json.hpp"
#include "optim/optimizer.hpp"

namespace axl::train {
namespace {

using Json = nlohmann::ordered_json;

std::uint64_t mixed(std::uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) {  // FNV-1a
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3ull;
  }
  return hash;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// Settings that decide which numbers there are, besides what those mean: with another value the
/// states of a checkpoint have no place, allowed or not.
bool decides_states(std::string_view key) {
  static constexpr std::string_view kKeys[] = {"adapter",
                                               "lora_r",
                                               "lora_rank_pattern",
                                               "lora_target_modules",
                                               "lora_modules_to_save",
                                               "peft_layers_to_transform",
                                               "peft_trainable_token_indices",
                                               "peft_use_dora",
                                               "ia3_feedforward_modules",
                                               "unfrozen_parameters",
                                               "optimizer"};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

/// What an adapter's numbers mean: as the files of the adapter have it, whoever chose it.
void add_adapter(const adapter::PeftConfig& peft, Json& out) {
  out["lora_r"] = peft.r;
  out["lora_alpha"] = peft.lora_alpha;
  out["peft_use_rslora"] = peft.use_rslora;
  out["peft_use_dora"] = peft.use_dora;
  out["ia3_feedforward_modules"] = peft.feedforward_modules.names;
  if (peft.peft_type == "VERA") out["vera_projection_prng_key"] = peft.projection_prng_key;
  Json& ranks = out["lora_rank_pattern"] = Json::object();
  for (const auto& [pattern, r] : peft.rank_pattern) ranks[pattern] = r;
  Json& alphas = out["lora_alpha_pattern"] = Json::object();
  for (const auto& [pattern, alpha] : peft.alpha_pattern) alphas[pattern] = alpha;
  // A set: PEFT writes the names in any order.
  std::vector<std::string> names = peft.target_modules.names;
  std::sort(names.begin(), names.end());
  if (peft.target_modules.expression.empty())
    out["lora_target_modules"] = names;
  else
    out["lora_target_modules"] = peft.target_modules.expression;
  out["lora_modules_to_save"] = peft.modules_to_save;
  out["peft_layers_to_transform"] = peft.layers_to_transform;
  out["peft_trainable_token_indices"] = peft.trainable_tokens;
}

std::string listed(const nlohmann::json& object) {
  std::string out;
  for (const auto& [key, unused] : object.items()) out += (out.empty() ? "" : ", ") + key;
  return out;
}

}  // namespace

std::string fingerprint_of(const weights::WeightFile& base) {
  constexpr std::size_t kSample = 256;
  std::uint64_t hash = 0xCBF29CE484222325ull;
  for (const weights::TensorEntry& t : base.tensors()) {
    hash = mixed(hash, t.name);
    hash = mixed(hash, weights::name_of(t.storage));
    for (const std::int64_t d : t.shape) hash = mixed(hash, std::to_string(d) + ",");
    const std::size_t n = t.bytes.size(), piece = std::min(kSample, n);
    for (const std::size_t at : {std::size_t{0}, (n - piece) / 2, n - piece})
      hash = mixed(hash, {reinterpret_cast<const char*>(t.bytes.data()) + at, piece});
  }
  return fmt::format("{:016x}", hash);
}

Json settings_of(const config::Config& c, const model::Decoder& model,
                 const std::string& base_fingerprint) {
  Json meaning, path;
  meaning["base_model"] = base_fingerprint;
  meaning["adapter"] = c.adapter;
  if (const auto& peft = model.options().training.lora) add_adapter(*peft, meaning);
  if (c.load_in_4bit) {
    meaning["load_in_4bit"] = true;
    meaning["bnb_config_kwargs"] = {{"bnb_4bit_quant_type", c.bnb_4bit_quant_type},
                                    {"bnb_4bit_use_double_quant", c.bnb_4bit_use_double_quant},
                                    {"bnb_4bit_blocksize", c.bnb_4bit_blocksize}};
  }
  meaning["optimizer"] = optim::optimizer_named(c.optimizer).name;
  meaning["sequence_len"] = c.sequence_len;
  if (!c.unfrozen_parameters.empty()) meaning["unfrozen_parameters"] = c.unfrozen_parameters;
  meaning["sample_packing"] = c.sample_packing;
  if (c.sample_packing) {  // the plan that a step is a place in
    meaning["sample_packing_group_size"] = c.sample_packing_group_size;
    meaning["sample_packing_bin_size"] = c.sample_packing_bin_size;
    meaning["sample_packing_sequentially"] = c.sample_packing_sequentially;
  }
  path["base_model_name"] = c.base_model;
  path["lora_dropout"] =
      model.options().training.lora ? model.options().training.lora->lora_dropout : c.lora_dropout;
  path["dtype"] = c.dtype;
  path["learning_rate"] = c.learning_rate;
  path["lr_scheduler"] = c.lr_scheduler;
  path["warmup_steps"] = or_null(c.warmup_steps);
  path["warmup_ratio"] = or_null(c.warmup_ratio);
  path["cosine_min_lr_ratio"] = or_null(c.cosine_min_lr_ratio);
  path["cosine_constant_lr_ratio"] = or_null(c.cosine_constant_lr_ratio);
  path["num_epochs"] = c.num_epochs;
  path["max_steps"] = or_null(c.max_steps);
  path["optim_args"] = c.optim_args;
  path["weight_decay"] = c.weight_decay;
  path["adam_beta1"] = c.adam_beta1;
  path["adam_beta2"] = c.adam_beta2;
  path["adam_epsilon"] = c.adam_epsilon;
  path["max_grad_norm"] = c.max_grad_norm;
  path["loraplus_lr_ratio"] = or_null(c.loraplus_lr_ratio);
  path["loraplus_lr_embedding"] = or_null(c.loraplus_lr_embedding);
  path["embedding_lr"] = or_null(c.embedding_lr);
  path["embedding_lr_scale"] = or_null(c.embedding_lr_scale);
  path["neftune_noise_alpha"] = or_null(c.neftune_noise_alpha);
  path["token_dropout"] = c.token_dropout;
  path["loss_normalization"] = c.loss_normalization;
  if (!c.rl.empty()) {
    path["rl"] = c.rl;
    path["rl_beta"] = c.preference_beta();
    path["dpo_label_smoothing"] = c.dpo_label_smoothing;
  }
  return {{"meaning", meaning}, {"path", path}};
}

std::vector<std::string> compare_settings(const nlohmann::json& saved, const nlohmann::json& now,
                                          const std::vector<std::string>& allowed,
                                          const std::string& folder) {
  std::vector<std::string> notices;
  const auto value = [](const nlohmann::json& part, const std::string& key) {
    return part.contains(key) ? part.at(key) : nlohmann::json(nullptr);
  };
  const auto shown = [&](const nlohmann::json& all, const std::string& key) {
    const std::string text = json_text(value(all.at("meaning"), key));
    if (key != "base_model") return text;
    return json_text(value(all.at("path"), "base_model_name")) + " (weights " + text + ")";
  };
  for (const std::string& key : allowed)
    if (!saved.at("meaning").contains(key) && !now.at("meaning").contains(key) &&
        !now.at("path").contains(key))
      throw Error(ErrorCode::config,
                  "allow_changed: '" + key + "' is no setting that this checkpoint is held against")
          .hint("those are " + listed(now.at("meaning")));
  std::vector<std::string> keys;
  for (const nlohmann::json* side : {&saved, &now})
    for (const auto& [key, unused] : side->at("meaning").items())
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  for (const std::string& key : keys) {
    if (value(saved.at("meaning"), key) == value(now.at("meaning"), key)) continue;
    const std::string change =
        fmt::format("{} was {} and is {} now", key, shown(saved, key), shown(now, key));
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end())
      throw Error(ErrorCode::checkpoint,
                  folder + ": " + change + ", which gives what was saved another meaning")
          .hint(!decides_states(key)
                    ? "set it back, or go on all the same with --allow-changed " + key
                : saved.at("meaning").value("adapter", "").empty()
                    ? "set it back; base_model: " + folder + " starts a new run from its weights"
                    : "set it back; lora_model_dir: " + folder +
                          " starts a new run from its adapter");
    notices.push_back(change + ", as allow_changed says");
  }
  for (const auto& [key, is] : now.at("path").items()) {
    if (key == "base_model_name" || value(saved.at("path"), key) == is) continue;
    notices.push_back(fmt::format("{} was {} and is {} from here on", key,
                                  json_text(value(saved.at("path"), key)), json_text(is)));
  }
  return notices;
}

}  // namespace axl::train
