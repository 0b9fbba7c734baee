#pragma once
#include <optional>

#include "tensor/parameters.hpp"

namespace axl::optim {

/// What a configuration says about learning rates and weight decay beyond one rate for everything.
struct GroupOptions {
  bool adapter = false;                        ///< an adapter is trained, not the model itself
  std::optional<double> lora_plus_ratio;       ///< LoRA+: learning rate of B over that of A
  std::optional<double> embedding_adapter_lr;  ///< LoRA+: of an embedding's adapter, absolute
  bool embedding_group = false;                ///< embeddings and heads do not decay
  std::optional<double> embedding_lr;          ///< of that group, absolute
  std::optional<double> embedding_lr_scale;    ///< of that group, over the run's; it wins
};

/// A parameter's share of the optimiser's settings.
struct Group {
  double learning_rate = 0;  ///< where the schedule's factor is 1
  bool decay = true;
  bool operator==(const Group&) const = default;
};

/// The groups that Axolotl's optimisers have: norms and biases do not decay; LoRA+ as PEFT's
/// create_loraplus_optimizer has it (B and every vector are fast, nothing decays); else, when there
/// is a group of embeddings, all that is trained at the ends of the model and the weights of
/// modules_to_save anywhere.
Group group_of(const tensor::Parameter& parameter, double learning_rate,
               const GroupOptions& options);

}  // namespace axl::optim
