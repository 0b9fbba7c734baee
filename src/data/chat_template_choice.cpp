#include "data/chat_template_choice.hpp"

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "tokenizer/templates/registry.hpp"

namespace axl::data {
namespace {

constexpr std::string_view kDefault = "tokenizer_default";
constexpr std::string_view kFallback = "tokenizer_default_fallback_";
constexpr std::string_view kDefaultSystem = "You are a helpful assistant.";

std::string text_or_file(const std::string& jinja) {
  if (jinja.size() >= 4096 || !is_there(jinja)) return jinja;
  std::string text = read_text(jinja);
  if (text.empty()) throw Error(ErrorCode::input, "is empty").at({jinja, 0, 0, ""});
  return text;
}

}  // namespace

std::string chat_template_text(const std::string& choice, const std::string& jinja,
                               const std::string& default_system_message,
                               const tokenizer::Tokenizer& tokenizer, const UserLocation& where) {
  if (choice == "jinja") {
    if (jinja.empty())
      throw Error(ErrorCode::config, "chat_template is jinja, but chat_template_jinja is not given")
          .at(where);
    return text_or_file(jinja);
  }
  if (choice.empty() || choice == kDefault) {
    if (tokenizer.chat_template().empty())
      throw Error(ErrorCode::config, "the tokenizer has no chat template of its own")
          .at(where)
          .hint("name one, for example chat_template: chatml");
    return tokenizer.chat_template();
  }
  std::string name = choice;
  if (choice.starts_with(kFallback)) {
    if (!tokenizer.chat_template().empty()) return tokenizer.chat_template();
    name = choice.substr(kFallback.size());
  }
  std::string text;
  try {
    text = tokenizer::named_templates().get(name).text;
  } catch (const Error& e) {
    throw Error(e.code(), e.message()).at(where).hint(e.hint());
  }
  if (!default_system_message.empty() && name == "chatml")
    for (std::size_t at = text.find(kDefaultSystem); at != std::string::npos;
         at = text.find(kDefaultSystem, at + default_system_message.size()))
      text.replace(at, kDefaultSystem.size(), default_system_message);
  return text;
}

}  // namespace axl::data
