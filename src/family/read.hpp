#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"
#include "family/family.hpp"
#include "weights/model_config_fields.hpp"

/// What the readers of several families share.
namespace axl::family {

/// The fields of a model's config.json that are not among ModelConfig's.
class RawFields {
 public:
  explicit RawFields(const weights::ModelConfig& config);
  const weights::ConfigFields& in() const { return in_; }
  const nlohmann::json& root() const { return root_; }
  /// The activation called `name` in the field `key`; Error{unsupported} for one that no kernel
  /// has.
  kernels::Activation activation(const char* key, const std::string& absent) const;
  /// Layers whose attention sees a window: from layer_types where it is there, else `otherwise`.
  std::vector<bool> sliding(std::int64_t layers, bool (*otherwise)(std::int64_t layer)) const;

 private:
  std::string origin_;
  nlohmann::json root_;
  weights::ConfigFields in_;
};

/// Attention of config's heads with whole or partly rotated heads and scores by 1 / sqrt(head_dim).
AttentionShape attention_of(const weights::ModelConfig& config);
/// The config's own rotary positions. Error{unsupported} where an odd number would be rotated.
RopeShape rope_of(const weights::ModelConfig& config);
/// `layer` for every layer, the config's rope, and a final norm like those of the layers.
ModelShape uniform(const weights::ModelConfig& config, const LayerShape& layer);
/// Names that most families share with Llama.
ModuleNames llama_names();

inline constexpr std::int64_t kMaxWindow = std::int64_t{1} << 40;

}  // namespace axl::family
