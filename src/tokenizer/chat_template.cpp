#include "tokenizer/chat_template.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "tokenizer/jinja/interpreter.hpp"
#include "tokenizer/jinja/parser.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer {

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

std::string ChatTemplate::render(const nlohmann::ordered_json& variables) const {
  auto globals = std::make_shared<jinja::Scope>();
  jinja::add_globals(*globals);
  auto scope = std::make_shared<jinja::Scope>();
  scope->parent = globals;
  for (const auto& [name, value] : variables.items())
    scope->set(name, jinja::Value::from_json(value));
  jinja::Interpreter interpreter(scope);
  try {
    return interpreter.render(impl_->body);
  } catch (Error& e) {
    if (!e.where().file.empty()) throw;
    throw Error(e.code(), e.message()).at({"chat template", interpreter.line(), 0, ""});
  }
}

}  // namespace axl::tokenizer
