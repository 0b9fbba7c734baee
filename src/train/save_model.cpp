#include "train/save_model.hpp"

#include <algorithm>

#include "adapter/peft_files.hpp"
#include "adapter/vera.hpp"
#include "core/durable_file.hpp"
#include "core/json.hpp"
#include "weights/convert.hpp"

namespace axl::train {
namespace {

/// A trained parameter in the type that the model is saved in; NaN and infinity are refused.
weights::TensorToWrite converted_parameter(const tensor::Parameter& p, weights::Storage storage) {
  const auto bytes =
      std::as_bytes(std::span(p.master.as<float>(), static_cast<std::size_t>(p.elements())));
  const weights::TensorEntry entry{
      .name = p.name, .storage = weights::Storage::f32, .shape = p.shape, .bytes = bytes};
  return weights::converted(entry, storage);
}

void save_full(const std::string& folder, model::Decoder& model, const weights::WeightFile& base) {
  const bool half = model.stored() == DType::bf16;
  const weights::Storage storage = half ? weights::Storage::bf16 : weights::Storage::f32;
  std::vector<weights::TensorToWrite> tensors;
  for (const weights::TensorEntry& e : base.tensors()) {
    if (const tensor::Parameter* p = model.parameters().find(e.name))
      tensors.push_back(converted_parameter(*p, storage));
    else
      tensors.push_back(weights::converted(e, storage));
  }
  for (weights::TensorToWrite& t : weights::carried(base)) tensors.push_back(std::move(t));
  weights::write_model_safetensors(folder, tensors);
}

/// VeRA's shared matrices, by PEFT's names.
std::vector<weights::TensorToWrite> projection_tensors(const adapter::VeraProjection& p) {
  const auto tensor = [](const char* name, std::vector<std::int64_t> shape,
                         const std::vector<float>& values) {
    return weights::TensorToWrite{
        name, weights::Storage::f32, std::move(shape),
        [&values](const auto& sink) { sink(std::as_bytes(std::span(values))); }};
  };
  return {tensor("base_model.vera_A", {p.rank, p.inputs}, p.a),
          tensor("base_model.vera_B", {p.outputs, p.rank}, p.b)};
}

using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The linear layers of the family by the ends of their names.
Names linear_layers(const family::FamilySpec& family) {
  Names names;
  const family::ModuleNames& m = family.modules;
  for (const std::string_view module :
       {m.q, m.k, m.v, m.qkv, m.o, m.gate, m.up, m.gate_up, m.down}) {
    if (module.empty()) continue;
    std::string last(module.substr(module.rfind('.') + 1));
    if (!contains(names, last)) names.push_back(std::move(last));
  }
  return names;
}

/// The end of a linear layer's name that no other of the family has.
std::string own_name(const family::FamilySpec& family, std::string_view module) {
  const std::string last(module.substr(module.rfind('.') + 1));
  const family::ModuleNames& m = family.modules;
  const std::string_view others[] = {m.q, m.k, m.v, m.qkv, m.o, m.gate, m.up, m.gate_up, m.down};
  const auto ends_alike = [&](std::string_view other) {
    return other != module && other.substr(other.rfind('.') + 1) == last;
  };
  const bool shared = std::any_of(std::begin(others), std::end(others), ends_alike);
  return shared ? std::string(module) : last;
}

/// What PEFT takes where an IA3 config names nothing: keys, values and the end of the MLP, whose
/// input is scaled.
void put_ia3(const config::Config& config, const family::FamilySpec& family,
             adapter::PeftConfig& peft) {
  const family::ModuleNames& m = family.modules;
  const std::string down = own_name(family, m.down);
  Names& targets = peft.target_modules.names;
  if (peft.target_modules.empty())
    targets = m.qkv.empty() ? Names{own_name(family, m.k), own_name(family, m.v), down}
                            : Names{own_name(family, m.qkv), down};
  peft.feedforward_modules.names = config.ia3_feedforward_modules;
  const std::string last(m.down.substr(m.down.rfind('.') + 1));
  const bool adapted =
      !peft.target_modules.expression.empty() || contains(targets, down) || contains(targets, last);
  if (config.ia3_feedforward_modules.empty() && adapted) peft.feedforward_modules.names = {down};
}

adapter::ModulePattern targets_of(const config::Config& config, const family::FamilySpec& family) {
  adapter::ModulePattern targets;
  const Names& given = config.lora_target_modules;
  if (config.lora_target_is_regex && !config.lora_target_linear) {
    targets.expression = given.at(0);
    return targets;
  }
  // Axolotl puts a lone expression among the names of the linear layers, where it matches nothing.
  if (!config.lora_target_is_regex) targets.names = given;
  if (config.lora_target_linear)
    for (std::string& name : linear_layers(family))
      if (!contains(targets.names, name)) targets.names.push_back(std::move(name));
  return targets;
}

}  // namespace

adapter::PeftConfig peft_config_of(const config::Config& config, const family::FamilySpec& family) {
  adapter::PeftConfig peft;
  peft.target_modules = targets_of(config, family);
  peft.fan_in_fan_out = family.conv1d;
  peft.modules_to_save = config.lora_modules_to_save;
  if (config.adapter == "ia3") {
    peft.peft_type = "IA3";
    put_ia3(config, family, peft);
    return peft;
  }
  peft.r = config.lora_r;
  peft.lora_dropout = config.lora_dropout;
  peft.layers_to_transform = config.peft_layers_to_transform;
  if (config.adapter == "vera") {
    peft.peft_type = "VERA";
    peft.projection_prng_key = static_cast<std::uint64_t>(config.vera_projection_prng_key);
    peft.save_projection = config.vera_save_projection;
    peft.d_initial = config.vera_d_initial;
    return peft;
  }
  peft.lora_alpha = config.lora_alpha;
  peft.use_rslora = config.peft_use_rslora;
  peft.use_dora = config.peft_use_dora;
  peft.trainable_tokens = config.peft_trainable_token_indices;
  for (const auto& [pattern, r] : config.lora_rank_pattern)
    peft.rank_pattern.emplace_back(pattern, r);
  for (const auto& [pattern, alpha] : config.lora_alpha_pattern)
    peft.alpha_pattern.emplace_back(pattern, alpha);
  return peft;
}

void save_trained(const std::string& folder, model::Decoder& model, const weights::WeightFile& base,
                  bool grown) {
  const auto& lora = model.options().training.lora;
  if (!lora) {
    save_full(folder, model, base);
    return;
  }
  std::vector<weights::TensorToWrite> tensors;
  for (const tensor::Parameter& p : model.parameters().all())
    tensors.push_back(converted_parameter(p, weights::Storage::f32));
  const weights::Storage storage =
      model.stored() == DType::bf16 ? weights::Storage::bf16 : weights::Storage::f32;
  for (const std::string& module : {model.embedding().name, model.lm_head().name}) {
    const std::string weight = module + ".weight";
    const std::string name =
        adapter::adapter_tensor_name(adapter::AdapterRole::base_copy, weight, *lora);
    const bool trained = model.parameters().find(name) != nullptr;
    if (trained || (!grown && !adapter::saves_base_copy(*lora, module))) continue;
    const weights::TensorEntry* entry = base.find(weight);
    if (entry == nullptr) entry = &base.get(model.embedding().name + ".weight");  // tied
    tensors.push_back(weights::converted(*entry, storage));
    tensors.back().name = name;
  }
  if (lora->peft_type == "VERA" && lora->save_projection)
    for (weights::TensorToWrite& t : projection_tensors(model.shared().projection()))
      tensors.push_back(std::move(t));
  adapter::write_adapter(folder, *lora, std::move(tensors));
}

}  // namespace axl::train
