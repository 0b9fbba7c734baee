#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/registry.hpp"
#include "family/shape.hpp"
#include "weights/model_config.hpp"

namespace axl::family {

/// The names of a family's modules in its files; "{i}" is the layer's number. Empty: it has none.
struct ModuleNames {
  std::string_view embed, positions, final_norm, lm_head;
  std::string_view input_norm, q, k, v, qkv, q_norm, k_norm, o, attention_out_norm;
  std::string_view post_norm, gate, up, gate_up, down, mlp_out_norm;
};

/// A model family is data over the blocks: the names of its modules, and how config.json tells the
/// shape of every layer.
struct FamilySpec {
  std::string_view name;
  std::vector<std::string_view> hf_architectures;
  std::vector<std::string_view> model_types;
  ModuleNames modules;
  /// Matrices inside the layers are stored (in, out), as transformers' Conv1D has them.
  bool conv1d = false;
  /// Error{unsupported} naming what of this config the blocks cannot do.
  ModelShape (*read)(const weights::ModelConfig&) = nullptr;
  /// Parameters with a row for every token: of the embedding and of the head.
  std::vector<std::string> tables() const {
    return {std::string(modules.embed) + ".weight", std::string(modules.lm_head) + ".weight"};
  }
};

/// "model.layers.{i}.mlp" with i = 3 -> "model.layers.3.mlp".
std::string module_name(std::string_view pattern, std::int64_t layer);

const Registry<FamilySpec>& families();
/// The family whose hf_architectures contain the config's; Error{unsupported} lists the known ones.
const FamilySpec& family_of(const weights::ModelConfig& config);
/// The shape of a model of whatever family. Error{unsupported} as family_of, for a model_type that
/// is another family's, and for what the blocks cannot do.
ModelShape shape_of(const weights::ModelConfig& config);

FamilySpec llama_spec();
FamilySpec mistral_spec();
FamilySpec qwen2_spec();
FamilySpec qwen3_spec();
FamilySpec phi3_spec();
FamilySpec gemma2_spec();
FamilySpec gemma3_spec();
FamilySpec gpt2_spec();
FamilySpec gpt_neox_spec();

}  // namespace axl::family
