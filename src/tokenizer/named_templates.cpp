// The chat formats that Axolotl knows by name, written out for our interpreter. Control tokens,
// role names, blank lines and the refusals are those of the models' own templates;
// oracle.chat_template compares every one of them with the renders recorded there.
#include <map>

#include "core/error.hpp"
#include "core/suggest.hpp"
#include "tokenizer/chat_template.hpp"

namespace axl::tokenizer {
namespace {

/// text(content): a string as it is; of a list of parts, their texts.
const std::string kText = R"J({%- macro text(content) -%}
  {%- if content is string -%}
    {{- content -}}
  {%- elif content is iterable -%}
    {%- for part in content if part.text is defined -%}{{- part.text -}}{%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
)J";

const std::string kChatml = kText + R"J(
{%- for message in messages -%}
  {{- '<|im_start|>' ~ message.role ~ '\n' ~ text(message.content) ~ '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}
)J";

const std::string kLlama3 = kText + R"J(
{%- for message in messages -%}
  {%- if loop.first -%}{{- bos_token -}}{%- endif -%}
  {{- '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\n\n' -}}
  {{- text(message.content) | trim ~ '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
{%- endif -%}
)J";

const std::string kAlpaca = kText + R"J(
{{- bos_token -}}
{%- for message in messages -%}
  {%- if message.role == 'user' -%}
    {{- '### Instruction:\n' ~ text(message.content) -}}
  {%- elif message.role == 'assistant' -%}
    {{- '### Response:\n' ~ text(message.content) ~ eos_token -}}
  {%- elif message.role == 'system' and loop.first -%}
    {{- text(message.content) -}}
  {%- endif -%}
  {%- if not loop.last -%}{{- '\n\n' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '\n\n### Response:\n' -}}{%- endif -%}
)J";

/// Gemma's turns; `head` decides what becomes of a system message.
std::string gemma(const std::string& head) {
  return kText + "{{- bos_token -}}\n" + head + R"J(
{%- for message in turns -%}
  {%- if (message.role == 'user') != (loop.index0 is even) -%}
    {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') -}}
  {%- endif -%}
  {{- '<start_of_turn>' ~ ('model' if message.role == 'assistant' else message.role) ~ '\n' -}}
  {%- if loop.first -%}{{- lead -}}{%- endif -%}
  {{- text(message.content) | trim ~ '<end_of_turn>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<start_of_turn>model\n' -}}{%- endif -%}
)J";
}

const std::string kGemma = gemma(R"J(
{%- if messages[0].role == 'system' -%}{{- raise_exception('System role not supported') -}}{%- endif -%}
{%- set turns, lead = messages, '' -%}
)J");

const std::string kGemma3 = gemma(R"J(
{%- set turns, lead = messages, '' -%}
{%- if messages[0].role == 'system' -%}
  {%- set turns, lead = messages[1:], text(messages[0].content) ~ '\n\n' -%}
{%- endif -%}
)J");

const std::string kPhi3 = kText + R"J(
{{- bos_token -}}
{%- for message in messages -%}
  {%- if message.role == 'system' -%}
    {{- '<|system|>\n' ~ text(message.content) ~ '<|end|>\n' -}}
  {%- elif message.role == 'user' -%}
    {{- '<|user|>\n' ~ text(message.content) ~ '<|end|>\n<|assistant|>\n' -}}
  {%- elif message.role == 'assistant' -%}
    {{- text(message.content) ~ '<|end|>\n' -}}
  {%- endif -%}
{%- endfor -%}
)J";

const std::string kPhi35 = kText + R"J(
{%- for message in messages -%}
  {%- if message.role in ['user', 'assistant'] or (message.role == 'system' and message.content) -%}
    {{- '<|' ~ message.role ~ '|>\n' ~ text(message.content) ~ '<|end|>\n' -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>\n' -}}{%- endif -%}
)J";

/// The text with which Qwen's models are told of their tools.
const std::string kQwenTools = R"J(
{%- macro tool_list(tools) -%}
  {{- '# Tools\n\nYou may call one or more functions to assist with the user query.\n\n' -}}
  {{- 'You are provided with function signatures within <tools></tools> XML tags:\n<tools>' -}}
  {%- for tool in tools -%}{{- '\n' ~ tool | tojson -}}{%- endfor -%}
  {{- '\n</tools>\n\nFor each function call, return a json object with function name and ' -}}
  {{- 'arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n' -}}
  {{- '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>' -}}
{%- endmacro -%}
{%- macro tool_call_text(tool_call) -%}
  {%- set call = tool_call.function if tool_call.function else tool_call -%}
  {{- '<tool_call>\n{"name": "' ~ call.name ~ '", "arguments": ' -}}
  {{- call.arguments if call.arguments is string and plain_arguments else call.arguments | tojson -}}
  {{- '}\n</tool_call>' -}}
{%- endmacro -%}
{%- macro tool_result(message, before, after) -%}
  {%- if before != 'tool' -%}{{- '<|im_start|>user' -}}{%- endif -%}
  {{- '\n<tool_response>\n' ~ text(message.content) ~ '\n</tool_response>' -}}
  {%- if after != 'tool' -%}{{- '<|im_end|>\n' -}}{%- endif -%}
{%- endmacro -%}
)J";

const std::string kQwen25 = kText + "{%- set plain_arguments = false -%}" + kQwenTools + R"J(
{%- set system = 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' -%}
{%- if messages[0].role == 'system' -%}{%- set system = text(messages[0].content) -%}{%- endif -%}
{{- '<|im_start|>system\n' ~ system -}}
{%- if tools -%}{{- '\n\n' ~ tool_list(tools) -}}{%- endif -%}
{{- '<|im_end|>\n' -}}
{%- for message in messages -%}
  {%- if message.role == 'assistant' and message.tool_calls -%}
    {{- '<|im_start|>assistant' -}}
    {%- if message.content -%}{{- '\n' ~ text(message.content) -}}{%- endif -%}
    {%- for call in message.tool_calls -%}{{- '\n' ~ tool_call_text(call) -}}{%- endfor -%}
    {{- '<|im_end|>\n' -}}
  {%- elif message.role == 'tool' -%}
    {{- tool_result(message, loop.previtem.role if not loop.first, loop.nextitem.role if not loop.last) -}}
  {%- elif message.role in ['user', 'assistant'] or (message.role == 'system' and not loop.first) -%}
    {{- '<|im_start|>' ~ message.role ~ '\n' ~ text(message.content) ~ '<|im_end|>\n' -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}
)J";

/// Thoughts are kept only behind the last real question; `real_last_index` is what a caller passes
/// who renders the beginning of a conversation.
const std::string kQwen3 = kText + "{%- set plain_arguments = true -%}" + kQwenTools + R"J(
{%- if tools -%}
  {{- '<|im_start|>system\n' -}}
  {%- if messages[0].role == 'system' -%}{{- text(messages[0].content) ~ '\n\n' -}}{%- endif -%}
  {{- tool_list(tools) ~ '<|im_end|>\n' -}}
{%- elif messages[0].role == 'system' -%}
  {{- '<|im_start|>system\n' ~ text(messages[0].content) ~ '<|im_end|>\n' -}}
{%- endif -%}
{%- set last = messages | length - 1 -%}
{%- set state = namespace(question=-1, end=last) -%}
{%- if real_last_index is defined and real_last_index is not none -%}
  {%- set state.end = real_last_index -%}
{%- endif -%}
{%- for message in messages -%}
  {%- set wrapped = message.content is string and message.content.startswith('<tool_response>')
      and message.content.endswith('</tool_response>') -%}
  {%- if message.role == 'user' and not wrapped -%}{%- set state.question = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- if state.question < 0 -%}{%- set state.question = last -%}{%- endif -%}
{%- for message in messages -%}
  {%- if message.role == 'user' or (message.role == 'system' and not loop.first) -%}
    {{- '<|im_start|>' ~ message.role ~ '\n' ~ text(message.content) ~ '<|im_end|>\n' -}}
  {%- elif message.role == 'assistant' -%}
    {%- set content, thought = text(message.content), '' -%}
    {%- if message.reasoning_content is string -%}
      {%- set thought = message.reasoning_content -%}
    {%- elif '</think>' in content -%}
      {%- set thought = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') -%}
      {%- set content = content.split('</think>')[-1].lstrip('\n') -%}
    {%- endif -%}
    {{- '<|im_start|>assistant\n' -}}
    {%- if loop.index0 > state.question and (thought or loop.index0 == state.end) -%}
      {{- '<think>\n' ~ thought.strip('\n') ~ '\n</think>\n\n' ~ content.lstrip('\n') -}}
    {%- else -%}
      {{- content -}}
    {%- endif -%}
    {%- for call in message.tool_calls or [] -%}
      {%- if content or not loop.first -%}{{- '\n' -}}{%- endif -%}
      {{- tool_call_text(call) -}}
    {%- endfor -%}
    {{- '<|im_end|>\n' -}}
  {%- elif message.role == 'tool' -%}
    {{- tool_result(message, loop.previtem.role if not loop.first, loop.nextitem.role if not loop.last) -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|im_start|>assistant\n<think>\n\n' -}}
  {%- if enable_thinking is defined and enable_thinking is false -%}{{- '</think>\n\n' -}}{%- endif -%}
{%- endif -%}
)J";

const std::string kSystemFirst = R"J(
{%- set turns, system = messages, none -%}
{%- if messages[0].role == 'system' -%}
  {%- set turns, system = messages[1:], text(messages[0].content) -%}
{%- endif -%}
)J";

const std::string kMistralRefusals = R"J(
{%- macro refuse_order() -%}
  {{- raise_exception('After the optional system message, conversation roles must alternate user/assistant/user/assistant/...') -}}
{%- endmacro -%}
{%- macro refuse_role() -%}
  {{- raise_exception('Only user and assistant roles are supported, with the exception of an initial optional system message!') -}}
{%- endmacro -%}
{%- macro require_id(id) -%}
  {%- if id is not defined or id | length != 9 -%}
    {{- raise_exception('Tool call IDs should be alphanumeric strings with length 9!') -}}
  {%- endif -%}
{%- endmacro -%}
)J";

const std::string kMistralV1 = kText + kMistralRefusals + kSystemFirst + R"J(
{{- bos_token -}}
{%- for message in turns -%}
  {%- if (message.role == 'user') != (loop.index0 is even) -%}{{- refuse_order() -}}{%- endif -%}
  {%- if message.role == 'user' -%}
    {{- ' [INST] ' -}}
    {%- if loop.first and system is not none -%}{{- system ~ '\n\n' -}}{%- endif -%}
    {{- text(message.content) ~ ' [/INST]' -}}
  {%- elif message.role == 'assistant' -%}
    {{- ' ' ~ text(message.content) ~ eos_token -}}
  {%- else -%}
    {{- refuse_role() -}}
  {%- endif -%}
{%- endfor -%}
)J";

/// Versions 2 and 3 differ in the spaces around their marks only.
std::string mistral_tools(const std::string& settings) {
  return settings + kText + kMistralRefusals + kSystemFirst + R"J(
{%- set count, last_user = namespace(turns=0), (turns | selectattr('role', 'equalto', 'user') | list)[-1] -%}
{%- for message in turns if message.role not in ['tool', 'tool_results'] and (message.tool_calls is not defined or message.tool_calls is none) -%}
  {%- if (message.role == 'user') != (count.turns is even) -%}{{- refuse_order() -}}{%- endif -%}
  {%- set count.turns = count.turns + 1 -%}
{%- endfor -%}
{{- bos_token -}}
{%- for message in turns -%}
  {%- if message.role == 'user' -%}
    {%- if tools is defined and tools is not none and message == last_user -%}
      {{- '[AVAILABLE_TOOLS]' ~ gap ~ '[' -}}
      {%- for tool in tools -%}
        {{- '{"type": "function", "function": {' -}}
        {%- for key, value in tool.function.items() if key != 'return' -%}
          {{- '"' ~ key ~ '": ' ~ ('"' ~ value ~ '"' if value is string else value | tojson) -}}
          {%- if not loop.last -%}{{- ', ' -}}{%- endif -%}
        {%- endfor -%}
        {{- '}}' ~ (']' if loop.last else ', ') -}}
      {%- endfor -%}
      {{- '[/AVAILABLE_TOOLS]' -}}
    {%- endif -%}
    {{- '[INST]' ~ gap -}}
    {%- if loop.last and system is not none -%}{{- system ~ '\n\n' -}}{%- endif -%}
    {{- text(message.content) ~ '[/INST]' -}}
  {%- elif message.tool_calls is defined and message.tool_calls is not none -%}
    {{- '[TOOL_CALLS]' ~ gap ~ '[' -}}
    {%- for call in message.tool_calls -%}
      {{- require_id(call.id) -}}
      {{- (call.function | tojson)[:-1] ~ ', "id": "' ~ call.id ~ '"}' -}}
      {{- ']' ~ eos_token if loop.last else ', ' -}}
    {%- endfor -%}
  {%- elif message.role == 'assistant' -%}
    {%- if trimmed -%}
      {{- ' ' ~ text(message.content) | trim ~ eos_token -}}
    {%- else -%}
      {{- text(message.content) ~ eos_token -}}
    {%- endif -%}
  {%- elif message.role in ['tool', 'tool_results'] -%}
    {%- set result = message.content.content if message.content.content is defined else message.content -%}
    {{- require_id(message.tool_call_id) -}}
    {{- '[TOOL_RESULTS]' ~ gap ~ '{"content": ' ~ result ~ ', "call_id": "' -}}
    {{- message.tool_call_id ~ '"}[/TOOL_RESULTS]' -}}
  {%- else -%}
    {{- refuse_role() -}}
  {%- endif -%}
{%- endfor -%}
)J";
}

const std::string kCohere = kText + kSystemFirst + R"J(
{%- macro turn(who, words) -%}
  {{- '<|START_OF_TURN_TOKEN|><|' ~ who ~ '_TOKEN|>' ~ words ~ '<|END_OF_TURN_TOKEN|>' -}}
{%- endmacro -%}
{{- bos_token -}}
{%- if system is not none -%}{{- turn('SYSTEM', system) -}}{%- endif -%}
{%- for message in turns -%}
  {%- if (message.role == 'user') != (loop.index0 is even) -%}
    {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') -}}
  {%- endif -%}
  {%- if message.role in ['user', 'assistant'] -%}
    {{- turn('USER' if message.role == 'user' else 'CHATBOT', text(message.content).strip()) -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' -}}{%- endif -%}
)J";

const std::string kMetharme = kText + kSystemFirst + R"J(
{%- if system is none -%}
  {%- set system = 'Enter RP mode. You shall reply to the user while staying in character. '
      'Your responses must be detailed, creative, immersive, and drive the scenario forward.' -%}
{%- endif -%}
{{- bos_token ~ '<|system|>' ~ system -}}
{%- for message in turns if message.role in ['user', 'assistant'] -%}
  {{- '<|user|>' if message.role == 'user' else '<|model|>' -}}
  {{- text(message.content).strip() -}}
{%- endfor -%}
{{- '<|model|>' if add_generation_prompt else eos_token -}}
)J";

const std::string kExaone = kText + R"J(
{%- for message in messages -%}
  {%- if loop.first and message.role != 'system' -%}{{- '[|system|][|endofturn|]\n' -}}{%- endif -%}
  {{- '[|' ~ message.role ~ '|]' ~ text(message.content) -}}
  {{- '\n' if message.role == 'user' else '[|endofturn|]\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '[|assistant|]' -}}{%- endif -%}
)J";

const std::string kDeepseekV2 = kText + R"J(
{{- bos_token -}}
{%- for message in messages -%}
  {%- if message.role == 'user' -%}
    {{- '<｜User｜>' ~ text(message.content) -}}
  {%- elif message.role == 'assistant' -%}
    {{- '<｜Assistant｜>' ~ text(message.content) ~ eos_token -}}
  {%- elif message.role == 'system' -%}
    {{- text(message.content) ~ '\n\n' -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<｜Assistant｜>' -}}{%- endif -%}
)J";

const std::string kNemotronH = kText + R"J(
{%- for message in messages -%}
  {%- if message.role not in ['user', 'assistant'] and not (loop.first and message.role == 'system') -%}
    {{- raise_exception('Unexpected role: ' ~ message.role) -}}
  {%- endif -%}
  {{- '<|im_start|>' ~ message.role ~ '\n' ~ text(message.content) ~ '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}
)J";

const std::map<std::string, std::string>& templates() {
  static const std::map<std::string, std::string> all{
      {"alpaca", kAlpaca},
      {"aya", kCohere},
      {"chatml", kChatml},
      {"cohere", kCohere},
      {"deepseek_v2", kDeepseekV2},
      {"exaone", kExaone},
      {"gemma", kGemma},
      {"gemma3", kGemma3},
      {"llama3", kLlama3},
      {"metharme", kMetharme},
      {"mistral_v1", kMistralV1},
      {"mistral_v2v3", mistral_tools("{%- set gap, trimmed = ' ', true -%}\n")},
      {"mistral_v3_tekken", mistral_tools("{%- set gap, trimmed = '', false -%}\n")},
      {"nemotron_h", kNemotronH},
      {"phi_3", kPhi3},
      {"phi_35", kPhi35},
      {"qwen3", kQwen3},
      {"qwen_25", kQwen25},
  };
  return all;
}

}  // namespace

const std::string& named_chat_template(const std::string& name) {
  const auto it = templates().find(name);
  if (it != templates().end()) return it->second;
  std::vector<std::string> names;
  std::string known;
  for (const auto& [n, text] : templates()) {
    names.push_back(n);
    known += (known.empty() ? "" : ", ") + n;
  }
  const std::string near = nearest(name, names);
  throw Error(ErrorCode::config, "unknown chat template '" + name + "'")
      .hint((near.empty() ? "" : "did you mean '" + near + "'? ") + "known: " + known +
            "; others: chat_template: jinja with chat_template_jinja, or tokenizer_default");
}

}  // namespace axl::tokenizer
