#include "data/format.hpp"

// The frame of Llama 2's chat models, as a chat template.

namespace axl::data {
namespace {

constexpr const char* kTemplate =
    "{%- set ns = namespace(system='') -%}"
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'system' -%}"
    "{%- set ns.system = '<<SYS>>\\n' + message['content'] + '\\n<</SYS>>\\n\\n' -%}"
    "{%- elif message['role'] == 'user' -%}"
    "{{- bos_token + '[INST] ' + ns.system + message['content'] + ' [/INST]' -}}"
    "{%- set ns.system = '' -%}"
    "{%- elif message['role'] == 'assistant' -%}"
    "{{- ' ' + message['content'] + ' ' + eos_token -}}"
    "{%- endif -%}"
    "{%- endfor -%}";

RowConverter llama2_chat(const FormatContext& c) {
  config::DatasetConfig chat = c.dataset;
  chat.type = "chat_template";
  chat.chat_template = "jinja";
  chat.chat_template_jinja = kTemplate;
  if (chat.field_messages == "messages") chat.field_messages = "conversations";
  if (chat.message_property_mappings["role"] == "role") {
    chat.message_property_mappings["role"] = "from";
    chat.message_property_mappings["content"] = "value";
  }
  if (c.warnings)
    c.warnings->push_back("dataset " + c.dataset.path +
                          ": type llama2_chat is read as chat_template with Llama 2's template "
                          "over the column '" +
                          chat.field_messages + "'; rows are not padded");
  return chat_template_spec().make({c.tokenizer, c.config, chat, c.sequence_len, "", c.warnings});
}

}  // namespace

FormatSpec llama2_chat_spec() {
  return {"llama2_chat", "conversations[{from, value}]", false, &llama2_chat};
}

}  // namespace axl::data
