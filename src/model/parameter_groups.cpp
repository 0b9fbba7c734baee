// Learning rates and weight decay of single parameters: the groups that Axolotl's optimisers have.
// Like there, the name in the adapter decides.
#include "model/parameter_groups.hpp"

#include <string_view>

#include "tensor/parameters.hpp"

namespace axl::model {
namespace {

using tensor::Parameter;

bool has(const Parameter& p, std::string_view part) {
  return p.name.find(part) != std::string::npos;
}

/// PEFT's create_loraplus_optimizer: B and every vector are fast, and nothing decays.
void group_for_lora_plus(Parameter& p, const TrainingMode& mode) {
  p.decay = false;
  if (has(p, ".lora_embedding_"))
    p.lr_scale = mode.embedding_adapter_lr.value_or(1.0);
  else if (has(p, ".lora_B.") || p.shape.size() == 1)
    p.lr_scale = *mode.lora_plus_ratio;
}

/// All that is trained at the ends of the model, and the weights of modules_to_save anywhere.
bool is_embedding_like(const Parameter& p, bool lora) {
  if (has(p, "embed_tokens") || has(p, "lm_head")) return true;
  return lora && p.name.ends_with(".weight") && !has(p, ".lora_");
}

}  // namespace

void group_parameters(tensor::ParameterTable& table, const TrainingMode& mode) {
  for (Parameter& p : table.all()) {
    if (mode.lora_plus_ratio) {
      group_for_lora_plus(p, mode);
    } else if (mode.embedding_group && is_embedding_like(p, mode.lora.has_value())) {
      p.decay = false;
      p.lr_scale = mode.embedding_lr.value_or(1.0);
    }
  }
}

}  // namespace axl::model
