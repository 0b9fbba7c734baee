#pragma once
#include <string>

#include "weights/model_config.hpp"
#include "weights/weight_file.hpp"

namespace axl::weights {

/// Brings a model whose config.json ties embedding and head, and whose files hold the head, to what
/// transformers makes of it: two equal tables are one, two different ones are not tied after all
/// (which is said), and a head alone serves as the embedding too. `embedding` and `head` are names
/// of tensors.
void settle_tying(ModelConfig& config, WeightFile& weights, const std::string& embedding,
                  const std::string& head);

}  // namespace axl::weights
