#include "data/detect.hpp"

#include <array>
#include <initializer_list>

#include "core/json.hpp"

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

/// A format that a set of columns stands for; the first that fits wins, so the special ones come
/// first.
struct ColumnRule {
  std::initializer_list<const char*> columns;
  const char* type;
};

const std::array<ColumnRule, 18> kRules = {{
    {{"input_ids", "attention_mask", "labels"}, "pretokenized"},
    {{"segments"}, "input_output"},
    {{"prompt", "completions", "labels"}, "stepwise_supervised"},
    {{"instruction", "output", "reflection", "corrected"}, "reflection"},
    {{"system", "instruction", "output"}, "alpaca_w_system"},
    {{"instruction", "output"}, "alpaca"},
    {{"instruction", "response"}, "gpteacher"},
    {{"INSTRUCTION", "RESPONSE"}, "oasst"},
    {{"system_prompt", "question", "response"}, "alpaca_w_system.load_open_orca"},
    {{"article", "unanswerable_question"}, "context_qa.load_404"},
    {{"article", "question", "answer"}, "context_qa"},
    {{"context", "question", "answer"}, "context_qa.load_v2"},
    {{"article", "summary"}, "summarizetldr"},
    {{"category", "question", "answer"}, "jeopardy"},
    {{"question", "choices", "explanation"}, "explainchoice"},
    {{"question", "answer"}, "alpaca_chat.load_qa"},
    {{"message_1", "message_2"}, "alpaca_chat.load_camel_ai"},
    {{"prompt", "generation"}, "metharme"},
}};

bool has_all(const Row& row, std::initializer_list<const char*> columns) {
  for (const char* column : columns)
    if (row.is_null(column)) return false;
  return true;
}

/// Names under which messages keep a role and a text.
struct MessageKeys {
  std::string role, content;
};

std::optional<MessageKeys> message_keys(const json& list) {
  if (!list.is_array() || list.empty() || !list.front().is_object()) return std::nullopt;
  const json& first = list.front();
  for (const char* role : {"role", "from", "speaker", "author"})
    for (const char* content : {"content", "value", "text", "message"})
      if (first.contains(role) && first[role].is_string() && first.contains(content))
        return MessageKeys{role, content};
  return std::nullopt;
}

DetectedFormat typed(const config::DatasetConfig& dataset, const std::string& type,
                     const Row& row) {
  DetectedFormat out{dataset, "type: " + type, "its rows have the columns " + row.columns()};
  out.dataset.type = type;
  out.dataset.user_defined.clear();
  return out;
}

void set_messages(DetectedFormat& out, const std::string& column, const MessageKeys& keys) {
  out.dataset.field_messages = column;
  if (column != "messages") out.yaml += ", field_messages: " + column;
  if (keys.role == "role" && keys.content == "content") return;
  out.dataset.message_property_mappings["role"] = keys.role;
  out.dataset.message_property_mappings["content"] = keys.content;
  out.yaml +=
      ", message_property_mappings: {role: " + keys.role + ", content: " + keys.content + "}";
}

std::optional<DetectedFormat> messages(const Row& row, const config::DatasetConfig& dataset,
                                       bool comparison) {
  for (const std::string& column : row.column_names()) {
    if (comparison && (column == "chosen" || column == "rejected")) continue;
    const auto keys = message_keys(row.value(column));
    if (!keys) continue;
    DetectedFormat out = typed(dataset, "chat_template", row);
    set_messages(out, column, *keys);
    out.why = "its rows hold a conversation in the column '" + column + "'";
    return out;
  }
  return std::nullopt;
}

std::optional<DetectedFormat> comparison(const Row& row, const config::DatasetConfig& dataset) {
  const bool pairs = has_all(row, {"chosen", "rejected"});
  const bool judged = has_all(row, {"label"}) && row.value("label").is_boolean();
  if (!pairs && !judged) return std::nullopt;
  if (auto chat = messages(row, dataset, true)) {
    chat->why += pairs ? " and answers in chosen and rejected" : " and its judgement in label";
    chat->needs_rl = true;
    return chat;
  }
  if (pairs && message_keys(row.value("chosen"))) {
    DetectedFormat out = typed(dataset, "chat_template.argilla_chat", row);
    out.needs_rl = true;
    return out;
  }
  for (const char* question : {"prompt", "input", "question", "instruction"}) {
    if (row.is_null(question)) continue;
    if (!pairs && row.is_null("completion")) continue;
    DetectedFormat out = typed(dataset, pairs ? "chatml" : "chatml.prompt_pairs", row);
    out.needs_rl = true;
    return out;
  }
  return std::nullopt;
}

/// Two columns that are a question and an answer under other names.
std::optional<DetectedFormat> pair(const Row& row, const config::DatasetConfig& dataset) {
  for (const char* question : {"prompt", "question", "instruction", "input", "query"})
    for (const char* answer : {"completion", "response", "output", "answer", "target"}) {
      if (row.is_null(question) || row.is_null(answer)) continue;
      DetectedFormat out = typed(dataset, "user-defined", row);
      out.dataset.user_defined = {{"field_instruction", question}, {"field_output", answer}};
      out.yaml =
          std::string("type: {field_instruction: ") + question + ", field_output: " + answer + "}";
      return out;
    }
  return std::nullopt;
}

}  // namespace

std::optional<DetectedFormat> detect_format(const Row& row, const config::DatasetConfig& dataset) {
  for (const ColumnRule& rule : {kRules[0], kRules[1], kRules[2]})
    if (has_all(row, rule.columns)) return typed(dataset, rule.type, row);
  if (auto found = comparison(row, dataset)) return found;
  if (auto found = messages(row, dataset, false)) return found;
  for (const ColumnRule& rule : kRules)
    if (has_all(row, rule.columns)) return typed(dataset, rule.type, row);
  if (auto found = pair(row, dataset)) return found;
  const std::vector<std::string> names = row.column_names();
  const bool text = !row.is_null("text");
  if (!text && names.size() != 1) return std::nullopt;
  const std::string column = text ? "text" : names.front();
  if (!row.value(column).is_string()) return std::nullopt;
  DetectedFormat out = typed(dataset, "completion", row);
  out.dataset.field = column;
  if (!text) out.yaml += ", field: " + column;
  return out;
}

}  // namespace axl::data
