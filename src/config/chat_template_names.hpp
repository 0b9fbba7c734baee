#pragma once
#include <string_view>
#include <vector>

namespace axl::config {

/// What chat_template may be: Axolotl's names, jinja, tokenizer_default. The tokenizer's registry
/// holds a template for each of Axolotl's.
const std::vector<std::string_view>& chat_template_names();

}  // namespace axl::config
