#pragma once
#include <string_view>

#include "core/registry.hpp"

namespace axl::tokenizer {

/// A chat template that a configuration can name.
struct NamedTemplate {
  std::string_view name;  ///< Axolotl's name
  std::string_view text;  ///< Jinja
};

/// The names in Axolotl's order of the alphabet. get() throws Error{config} with the known ones.
const Registry<NamedTemplate>& named_templates();

}  // namespace axl::tokenizer
