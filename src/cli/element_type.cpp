#include "cli/element_type.hpp"

#include "core/error.hpp"

namespace axl::cli {

std::optional<weights::Storage> element_type(const std::string& name) {
  static constexpr std::pair<std::string_view, weights::Storage> kKnown[] = {
      {"f32", weights::Storage::f32},   {"float32", weights::Storage::f32},
      {"f16", weights::Storage::f16},   {"float16", weights::Storage::f16},
      {"bf16", weights::Storage::bf16}, {"bfloat16", weights::Storage::bf16},
      {"q8_0", weights::Storage::q8_0}};
  if (name.empty()) return std::nullopt;
  for (const auto& [known, storage] : kKnown)
    if (known == name) return storage;
  throw Error(ErrorCode::config, "--dtype: unknown element type '" + name + "'")
      .hint("known: f32, f16, bf16, q8_0 (GGUF only)");
}

}  // namespace axl::cli
