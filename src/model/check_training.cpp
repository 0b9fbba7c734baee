#include "model/check_training.hpp"

#include <algorithm>

#include "adapter/completeness.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"

namespace axl::model {
namespace {

/// The YAML's key for a field of adapter_config.json.
std::string key_of(const std::string& field) {
  return (field == "layers_to_transform" ? "peft_" : "lora_") + field;
}

/// "^model.embed_tokens.weight$[:100]" as a name that can be compared with others.
std::string without_marks(const std::string& pattern) {
  std::string out = pattern.substr(0, pattern.find('['));
  std::erase_if(out, [](char c) { return c == '^' || c == '$' || c == '\\'; });
  return out;
}

void check_unfrozen(const TrainingMode& mode, const std::vector<std::string>& parameters) {
  for (const ParameterPattern& pattern : mode.unfrozen_parameters) {
    if (std::any_of(parameters.begin(), parameters.end(),
                    [&](const std::string& name) { return pattern.match(name); }))
      continue;
    const std::string near = nearest(without_marks(pattern.text()), parameters);
    throw Error(ErrorCode::config,
                "unfrozen_parameters: '" + pattern.text() + "' matches no parameter of this model")
        .hint(near.empty() ? "expressions are matched from a name's beginning, as '" +
                                 (parameters.empty() ? "" : parameters.front()) + "'"
                           : "did you mean '" + near + "'?");
  }
}

}  // namespace

void check_training_names(const TrainingMode& mode, const weights::ModelConfig& config,
                          const family::FamilySpec& family, const weights::WeightFile& weights) {
  const bool chosen = mode.lora && mode.lora->origin.empty();
  if (!chosen && mode.unfrozen_parameters.empty()) return;
  const adapter::BaseNames names =
      adapter::base_names(config, weights, std::string(family.modules.lm_head) + ".weight");
  if (chosen)
    for (const adapter::Unmatched& u : adapter::unmatched_names(*mode.lora, names))
      throw Error(ErrorCode::config, key_of(u.field) + ": " + u.message).hint(u.hint);
  check_unfrozen(mode, names.parameters);
}

}  // namespace axl::model
