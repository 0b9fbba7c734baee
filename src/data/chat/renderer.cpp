#include "data/chat/renderer.hpp"

#include "core/json.hpp"
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
  const std::string& with_tools = c.tokenizer.tool_chat_template();
  if (source_ == c.tokenizer.chat_template() && with_tools != source_)
    tool_template_.emplace(with_tools);
  for (const auto& [name, value] : c.config.chat_template_kwargs) {
    json parsed = try_parse_json<json>(value);
    variables_[name] = parsed.is_discarded() ? json(value) : std::move(parsed);
  }
  for (const char* name :
       {"bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token"})
    if (const std::string text = c.tokenizer.token_text(name); !text.empty())
      variables_[name] = text;
}

std::string ChatRenderer::render(const json& messages, const json& tools,
                                 bool generation_prompt) const {
  json variables = variables_;
  variables["messages"] = messages;
  const bool has_tools = tools.is_array() && !tools.empty();
  variables["tools"] = has_tools ? tools : json(nullptr);
  variables["documents"] = nullptr;
  variables["add_generation_prompt"] = generation_prompt;
  return (has_tools && tool_template_ ? *tool_template_ : template_).render(variables);
}

}  // namespace axl::data
