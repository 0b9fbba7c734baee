#include <algorithm>

#include "family/family.hpp"

namespace axl::family {

const Registry<FamilySpec>& families() {
  static const Registry<FamilySpec> list{
      "model family",
      {llama_spec(), mistral_spec(), qwen2_spec(), qwen3_spec(), phi3_spec(), gemma2_spec(),
       gemma3_spec(), gpt2_spec(), gpt_neox_spec()}};
  return list;
}

const FamilySpec& family_of(const weights::ModelConfig& config) {
  std::string known;
  for (const FamilySpec& f : families())
    for (const std::string_view a : f.hf_architectures) {
      if (a == config.architecture) return f;
      known += (known.empty() ? "" : ", ") + std::string(a);
    }
  throw Error(ErrorCode::unsupported,
              config.origin + ": unsupported model family: " +
                  (config.architecture.empty() ? "model_type '" + config.model_type
                                               : "architecture '" + config.architecture) +
                  "'")
      .hint("known: " + known);
}

ModelShape shape_of(const weights::ModelConfig& config) {
  const FamilySpec& family = family_of(config);
  // transformers goes by model_type: the same class name with another type is another model there.
  const auto& types = family.model_types;
  if (!config.model_type.empty() &&
      std::find(types.begin(), types.end(), config.model_type) == types.end())
    throw Error(ErrorCode::unsupported, config.origin + ": model_type '" + config.model_type +
                                            "' does not belong to architecture '" +
                                            config.architecture + "', whose model_type is '" +
                                            std::string(types.front()) + "'");
  return family.read(config);
}

std::string module_name(std::string_view pattern, std::int64_t layer) {
  std::string out(pattern);
  const std::size_t at = out.find("{i}");
  if (at != std::string::npos) out.replace(at, 3, std::to_string(layer));
  return out;
}

}  // namespace axl::family
