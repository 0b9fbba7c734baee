#pragma once
#include <string>

#include "config/config.hpp"
#include "model/decoder.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::train {

/// The LoRA that a configuration asks for, on a model of this family; without the base's name.
adapter::PeftConfig peft_config_of(const config::Config& config, const family::FamilySpec& family);

/// Writes what was trained into an existing folder: adapter_model.safetensors and
/// adapter_config.json, or for a full fine-tune model.safetensors in the compute type, beside which
/// checkpoint::write_trained_companions belongs. `grown`: the base has more embedding rows than its
/// file, and like PEFT an adapter then brings the whole embedding and head. One rank only.
void save_trained(const std::string& folder, model::Decoder& model, const weights::WeightFile& base,
                  bool grown);

}  // namespace axl::train
