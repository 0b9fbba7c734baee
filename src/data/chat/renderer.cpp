#include "data/chat/renderer.hpp"

#include "data/chat_template_choice.hpp"

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

std::string template_source(const FormatContext& c) {
  const bool own = !c.dataset.chat_template.empty();
  return chat_template_text(own ? c.dataset.chat_template : c.config.chat_template,
                            own ? c.dataset.chat_template_jinja : c.config.chat_template_jinja,
                            c.config.default_system_message, c.tokenizer, c.dataset.where);
}

}  // namespace

ChatRenderer::ChatRenderer(const FormatContext& c)
    : source_(template_source(c)), template_(source_) {
  for (const auto& [name, value] : c.config.chat_template_kwargs) {
    json parsed = json::parse(value, nullptr, false);
    variables_[name] = parsed.is_discarded() ? json(value) : std::move(parsed);
  }
  for (const char* name : {"bos_token", "eos_token", "pad_token", "unk_token"})
    if (const std::string text = c.tokenizer.token_text(name); !text.empty())
      variables_[name] = text;
}

std::string ChatRenderer::render(const json& messages, const json& tools,
                                 bool generation_prompt) const {
  json variables = variables_;
  variables["messages"] = messages;
  variables["tools"] = tools.is_array() && !tools.empty() ? tools : json(nullptr);
  variables["documents"] = nullptr;
  variables["add_generation_prompt"] = generation_prompt;
  return template_.render(variables);
}

}  // namespace axl::data
