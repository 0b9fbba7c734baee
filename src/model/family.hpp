#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/registry.hpp"
#include "weights/model_config.hpp"

namespace axl::model {

/// A model family is data over the blocks: names of tensors and what is checked of its config.json.
struct FamilySpec {
  std::string_view name;
  std::vector<std::string_view> hf_architectures;
  /// Module names; "{i}" is the layer's number.
  std::string_view embed, final_norm, lm_head;
  std::string_view input_norm, q, k, v, o;
  std::string_view post_norm, gate, up, down;
  /// Error{unsupported} naming what of this config the blocks cannot do.
  void (*check)(const weights::ModelConfig&);
  /// Parameters with a row for every token: of the embedding and of the head.
  std::vector<std::string> tables() const {
    return {std::string(embed) + ".weight", std::string(lm_head) + ".weight"};
  }
};

/// "model.layers.{i}.mlp" with i = 3 -> "model.layers.3.mlp".
std::string module_name(std::string_view pattern, std::int64_t layer);

const Registry<FamilySpec>& families();
/// The family whose hf_architectures contain the config's; Error{unsupported} lists the known ones.
const FamilySpec& family_of(const weights::ModelConfig& config);

FamilySpec llama_spec();

}  // namespace axl::model
