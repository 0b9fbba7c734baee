#pragma once
#include <set>
#include <string>

namespace axl::tokenizer {

/// The properties of messages that Axolotl 0.19 finds in a chat template (its
/// JinjaTemplateAnalyzer.get_message_vars): all others that are not mapped it keeps from the
/// template. In effect it knows those that are read by name from a variable called `message`; what
/// is read from another variable, by get() or inside of a macro with other names it does not see.
/// Error{input} on a syntax error.
std::set<std::string> message_properties(const std::string& chat_template);

}  // namespace axl::tokenizer
