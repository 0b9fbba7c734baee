#include "train/save_model.hpp"

#include <algorithm>

#include "adapter/peft_files.hpp"
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

}  // namespace

adapter::PeftConfig peft_config_of(const config::Config& config, const family::FamilySpec& family) {
  adapter::PeftConfig peft;
  peft.r = config.lora_r;
  peft.lora_alpha = config.lora_alpha;
  peft.lora_dropout = config.lora_dropout;
  peft.use_rslora = config.peft_use_rslora;
  peft.use_dora = config.peft_use_dora;
  peft.fan_in_fan_out = family.conv1d;
  peft.trainable_tokens = config.peft_trainable_token_indices;
  peft.modules_to_save = config.lora_modules_to_save;
  peft.layers_to_transform = config.peft_layers_to_transform;
  for (const auto& [pattern, r] : config.lora_rank_pattern)
    peft.rank_pattern.emplace_back(pattern, r);
  for (const auto& [pattern, alpha] : config.lora_alpha_pattern)
    peft.alpha_pattern.emplace_back(pattern, alpha);
  const std::vector<std::string>& given = config.lora_target_modules;
  if (config.lora_target_is_regex && !config.lora_target_linear) {
    peft.target_modules.expression = given.at(0);
    return peft;
  }
  // Axolotl puts a lone expression among the names of the linear layers, where it matches nothing.
  if (!config.lora_target_is_regex) peft.target_modules.names = given;
  if (config.lora_target_linear)
    for (const std::string_view module :
         {family.modules.q, family.modules.k, family.modules.v, family.modules.qkv,
          family.modules.o, family.modules.gate, family.modules.up, family.modules.gate_up,
          family.modules.down}) {
      if (module.empty()) continue;
      const std::string last(module.substr(module.rfind('.') + 1));
      auto& names = peft.target_modules.names;
      if (std::find(names.begin(), names.end(), last) == names.end()) names.push_back(last);
    }
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
  adapter::write_adapter(folder, *lora, std::move(tensors));
}

}  // namespace axl::train
