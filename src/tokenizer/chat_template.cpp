#include "tokenizer/chat_template.hpp"

#include "core/error.hpp"
#include "core/json.hpp"
#include "tokenizer/jinja/interpreter.hpp"
#include "tokenizer/jinja/parser.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

/// Thoughts stand under reasoning_content, thinking or reasoning. As transformers does it, every
/// message that has them shows them under the two names that templates read.
Json with_thought_names(const Json& messages) {
  if (!messages.is_array()) return messages;
  Json out = Json::array();
  for (const Json& message : messages) {
    const Json* thought = nullptr;
    for (const char* name : {"reasoning_content", "thinking", "reasoning"})
      if (!thought && message.is_object() && message.contains(name) && !message[name].is_null())
        thought = &message[name];
    if (!thought) {
      out.push_back(message);
      continue;
    }
    Json named = {{"thinking", *thought}};
    for (const auto& [key, value] : message.items()) named[key] = value;
    named["reasoning_content"] = *thought;
    out.push_back(std::move(named));
  }
  return out;
}

}  // namespace

struct ChatTemplate::Impl {
  std::string source;
  jinja::Body body;
};

ChatTemplate::ChatTemplate(const std::string& source) : impl_(std::make_unique<Impl>()) {
  impl_->source = unicode::lossy(source);
  impl_->body = jinja::parse(impl_->source);
}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

const std::string& ChatTemplate::source() const { return impl_->source; }

std::string ChatTemplate::render(const Json& variables, std::int64_t most_steps) const {
  auto globals = std::make_shared<jinja::Scope>();
  jinja::add_globals(*globals);
  auto scope = std::make_shared<jinja::Scope>();
  scope->parent = globals;
  for (const auto& [name, value] : variables.items())
    scope->set(name,
               jinja::Value::from_json(name == "messages" ? with_thought_names(value) : value));
  jinja::Interpreter interpreter(scope, most_steps);
  try {
    return interpreter.render(impl_->body);
  } catch (Error& e) {
    if (!e.where().file.empty()) throw;
    throw Error(e.code(), e.message()).at({"chat template", interpreter.line(), 0, ""});
  }
}

}  // namespace axl::tokenizer
