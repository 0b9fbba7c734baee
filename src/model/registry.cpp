#include "model/family.hpp"

namespace axl::model {

const Registry<FamilySpec>& families() {
  static const Registry<FamilySpec> list{"model family", {llama_spec()}};
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

std::string module_name(std::string_view pattern, std::int64_t layer) {
  std::string out(pattern);
  const std::size_t at = out.find("{i}");
  if (at != std::string::npos) out.replace(at, 3, std::to_string(layer));
  return out;
}

}  // namespace axl::model
