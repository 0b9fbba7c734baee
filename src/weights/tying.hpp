#pragma once
#include <string>

#include "weights/model_config.hpp"
#include "weights/weight_file.hpp"

namespace axl::weights {

/// The tables by the names that nearly all of Hugging Face's families give them.
inline constexpr const char* kEmbeddingName = "model.embed_tokens.weight";
inline constexpr const char* kHeadName = "lm_head.weight";

/// Brings a model whose config.json ties embedding and head, and whose files hold the head, to what
/// transformers makes of it: two equal tables are one, two different ones are not tied after all
/// (which is said), and a head alone serves as the embedding too. `embedding` and `head` are names
/// of tensors.
void settle_tying(ModelConfig& config, WeightFile& weights, const std::string& embedding,
                  const std::string& head);

}  // namespace axl::weights
