#pragma once
#include "model/decoder.hpp"
#include "weights/model_config.hpp"
#include "weights/weight_file.hpp"

namespace axl::model {

/// Error{config} naming the key when a name in lora_target_modules, lora_modules_to_save,
/// lora_rank_pattern, lora_alpha_pattern, peft_layers_to_transform or unfrozen_parameters matches
/// nothing in the model: PEFT and Axolotl train without it and say nothing. An adapter that was
/// read from files (PeftConfig::origin) is not asked again: adapter::check_complete told.
void check_training_names(const TrainingMode& mode, const weights::ModelConfig& config,
                          const family::FamilySpec& family, const weights::WeightFile& weights);

}  // namespace axl::model
