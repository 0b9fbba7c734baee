#pragma once
#include <string>

#include "core/error.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::data {

/// The template that `chat_template: choice` names: tokenizer_default ("" too), jinja (text or a
/// file's path in `jinja`), tokenizer_default_fallback_NAME, or one of Axolotl's names. A default
/// system message replaces the one of chatml. Error{config} when there is none.
std::string chat_template_text(const std::string& choice, const std::string& jinja,
                               const std::string& default_system_message,
                               const tokenizer::Tokenizer& tokenizer, const UserLocation& where);

}  // namespace axl::data
