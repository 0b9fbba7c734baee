#include "data/chat/conversation.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <set>

#include "core/json.hpp"
#include "core/python_json.hpp"
#include "data/chat/characters.hpp"

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

json parse(const std::string& text, const char* what, RowNotes& notes) {
  PythonJson read = parse_python_json(text);
  if (!read.error.empty())
    throw RowError{std::string(what) + " is text that is not valid JSON: " + read.error};
  notes.duplicate_keys |= read.duplicate_keys;
  return std::move(read.value);
}

/// Whether a value says nothing: null, "", [] or {}.
bool is_empty(const json& value) {
  return value.is_null() || (value.is_structured() && value.empty()) ||
         (value.is_string() && value.get_ref<const std::string&>().empty());
}

/// Whether the template reads `key` from a message: .key, 'key' or "key".
bool mentions(const std::string& source, const std::string& key) {
  for (std::size_t at = source.find(key); at != std::string::npos; at = source.find(key, at + 1)) {
    const char before = at == 0 ? ' ' : source[at - 1];
    const std::size_t end = at + key.size();
    const char after = end < source.size() ? source[end] : ' ';
    if (before == '.' && !std::isalnum(static_cast<unsigned char>(after)) && after != '_')
      return true;
    if ((before == '\'' || before == '"') && after == before) return true;
  }
  return false;
}

bool truth(const json& value, const char* what) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0.0;
  throw RowError{std::string(what) + " is not true or false"};
}

std::vector<TrainingDetail> read_detail(const json& list) {
  if (!list.is_array()) throw RowError{"the training detail of a message is not a list"};
  std::vector<TrainingDetail> out;
  for (const json& item : list) {
    if (!item.is_object() || !item.contains("begin_offset") || !item.contains("end_offset") ||
        !item.contains("train") || !item["begin_offset"].is_number_integer() ||
        !item["end_offset"].is_number_integer())
      throw RowError{"a training detail is not {begin_offset, end_offset, train}"};
    out.push_back({item["begin_offset"].get<std::int64_t>(), item["end_offset"].get<std::int64_t>(),
                   truth(item["train"], "train")});
  }
  return out;
}

struct JoinedParts {
  std::string text;
  std::vector<TrainingDetail> detail;
  bool explicit_training = false;
};

/// Content given as parts: their texts in a row, with the flags of the parts as training detail.
JoinedParts join_parts(const json& parts, RowNotes& notes) {
  JoinedParts out;
  std::int64_t offset = 0;
  for (const json& part : parts) {
    if (!part.is_object()) continue;
    std::string text;
    for (const char* key : {"text", "content", "value"}) {
      const auto it = part.find(key);
      if (it != part.end() && it->is_string() && !it->get_ref<const std::string&>().empty()) {
        text = it->get<std::string>();
        break;
      }
    }
    if (const auto type = part.find("type");
        text.empty() && type != part.end() && type->is_string() && *type != "text")
      note_unread(notes, "content of type " + type->get<std::string>(), part);
    bool train = true;
    if (const auto it = part.find("train"); it != part.end()) {
      train = truth(*it, "train");
      out.explicit_training = true;
    } else if (const auto weight = part.find("weight"); weight != part.end()) {
      train = truth(*weight, "weight");
      out.explicit_training = true;
    }
    if (text.empty()) continue;
    const std::int64_t length = static_cast<std::int64_t>(character_count(text));
    out.detail.push_back({offset, offset + length - 1, train});
    offset += length;
    out.text += text;
  }
  return out;
}

std::string strip(const std::string& text, bool left, bool right) {
  return std::string(trimmed(text, left, right));
}

/// Moves <think>...</think> out of an assistant's content.
void split_thinking(json& message, const std::string& key) {
  static constexpr std::array<std::pair<const char*, const char*>, 3> kThinking = {
      {{"<think>", "</think>"},
       {"<reasoning>", "</reasoning>"},
       {"<|begin_of_thought|>", "<|end_of_thought|>"}}};
  const std::string_view solution_begin = "<|begin_of_solution|>",
                         solution_end = "<|end_of_solution|>";
  const auto it = message.find("content");
  if (it == message.end() || !it->is_string()) return;
  const std::string content = it->get<std::string>();
  for (const auto& [open, close] : kThinking) {
    const std::size_t begin = content.find(open), end = content.find(close);
    if (begin == std::string::npos || end == std::string::npos) continue;
    const std::size_t inside = begin + std::string_view(open).size();
    message[key] = strip(end > inside ? content.substr(inside, end - inside) : "", true, true);
    std::string rest = strip(content.substr(end + std::string_view(close).size()), true, false);
    const std::size_t from = rest.find(solution_begin), to = rest.find(solution_end);
    if (from != std::string::npos && to != std::string::npos) {
      const std::size_t start = from + solution_begin.size();
      rest = strip(to > start ? rest.substr(start, to - start) : "", true, true);
    }
    message["content"] = rest;
    return;
  }
}

void parse_tool_arguments(json& message, RowNotes& notes) {
  const auto calls = message.find("tool_calls");
  if (calls == message.end() || !calls->is_array()) return;
  for (json& call : *calls) {
    if (!call.is_object() || !call.contains("function") || !call["function"].is_object()) continue;
    json& function = call["function"];
    if (function.contains("arguments") && function["arguments"].is_string())
      function["arguments"] =
          parse(function["arguments"].get<std::string>(), "arguments of a tool call", notes);
  }
}

class Reader {
 public:
  Reader(const config::DatasetConfig& dataset, const std::string& source, RowNotes& notes)
      : dataset_(dataset),
        source_(source),
        notes_(notes),
        mappings_(dataset.message_property_mappings) {
    mappings_.try_emplace("role", "role");
    mappings_.try_emplace("content", "content");
    if (!dataset.template_thinking_key.empty() && !dataset.field_thinking.empty())
      mappings_.try_emplace(dataset.template_thinking_key, dataset.field_thinking);
    for (const auto& [target, names] : dataset.roles)
      for (const std::string& name : names) roles_[name] = target;
    for (const auto& [target, from] : mappings_) mapped_.insert(from);
  }

  Turn turn(const json& given) const {
    if (!given.is_object()) throw RowError{"a message is not an object"};
    Turn out;
    out.message = transform(given);
    if (!dataset_.message_field_training.empty())
      if (const auto it = given.find(dataset_.message_field_training); it != given.end())
        out.train = truth(*it, "the training field of a message");
    if (!dataset_.message_field_training_detail.empty())
      if (const auto it = given.find(dataset_.message_field_training_detail); it != given.end())
        out.detail = read_detail(*it);
    if (const auto it = out.message.find("content"); it != out.message.end() && it->is_array()) {
      JoinedParts joined = join_parts(*it, notes_);
      *it = joined.text;
      if (joined.explicit_training) out.detail = std::move(joined.detail);
    }
    const auto thinking = out.message.find(dataset_.template_thinking_key);
    if (thinking != out.message.end() && thinking->is_array()) {
      JoinedParts joined = join_parts(*thinking, notes_);
      *thinking = joined.text;
      if (joined.explicit_training) out.thinking_detail = std::move(joined.detail);
    }
    return out;
  }

 private:
  json transform(const json& given) const {
    json out = json::object();
    // Role and content first: templates that dump a message show them in this order.
    for (const char* first : {"role", "content"}) copy(given, mappings_.at(first), out, first);
    for (const auto& [target, from] : mappings_)
      if (target != "role" && target != "content") copy(given, from, out, target);
    const auto role = out.find("role");
    if (role == out.end() || !role->is_string())
      throw RowError{"a message has no '" + mappings_.at("role") + "'"};
    if (const auto it = roles_.find(role->get_ref<const std::string&>()); it != roles_.end())
      *role = it->second;
    if (dataset_.split_thinking && *role == "assistant")
      split_thinking(out, dataset_.template_thinking_key);
    for (const auto& [key, value] : given.items()) {
      if (mapped_.contains(key)) continue;
      if (mentions(source_, key))
        out[key] = value;
      else if (is_template_field(key))
        note_unread(notes_, key, value);
    }
    parse_tool_arguments(out, notes_);
    return out;
  }

  static void copy(const json& given, const std::string& from, json& out,
                   const std::string& target) {
    const auto it = given.find(from);
    if (it == given.end() || it->is_null()) return;
    // Among texts NaN stands for a missing one.
    if (it->is_number_float() && !std::isfinite(it->get<double>())) return;
    out[target] = *it;
  }

  const config::DatasetConfig& dataset_;
  const std::string& source_;
  RowNotes& notes_;
  std::map<std::string, std::string> mappings_, roles_;
  std::set<std::string> mapped_;
};

json read_tools(const Row& row, const std::string& field) {
  RowNotes& notes = row.notes();
  json tools = row.value(field);
  if (tools.is_string()) {
    const std::string text = tools.get<std::string>();
    if (trimmed(text, true, true).empty()) return nullptr;
    tools = parse(text, "tools", notes);
  }
  if (tools.is_null()) return tools;
  if (!tools.is_array()) throw RowError{"column '" + field + "' is not a list of tools"};
  for (json& tool : tools) {
    if (!tool.is_object() || !tool.contains("function") || !tool["function"].is_object()) continue;
    json& function = tool["function"];
    if (function.contains("parameters") && function["parameters"].is_string())
      function["parameters"] =
          parse(function["parameters"].get<std::string>(), "parameters of a tool", notes);
  }
  return tools;
}

}  // namespace

bool is_template_field(std::string_view name) {
  static constexpr std::array kFields = {
      "tools",     "tool_calls", "tool_call_id",      "name",    "function_call", "functions",
      "reasoning", "documents",  "reasoning_content", "thinking"};
  return std::find(kFields.begin(), kFields.end(), name) != kFields.end();
}

void note_unread(RowNotes& notes, const std::string& field, const json& value) {
  if (is_empty(value)) return;
  if (std::find(notes.unread.begin(), notes.unread.end(), field) == notes.unread.end())
    notes.unread.push_back(field);
}

std::string Turn::role() const { return message.at("role").get<std::string>(); }

Conversation read_conversation(const Row& row, const config::DatasetConfig& dataset,
                               const std::string& template_source) {
  json messages = row.value(dataset.field_messages);
  if (messages.is_string())
    messages = parse(messages.get<std::string>(), "the conversation", row.notes());
  if (messages.is_null())
    throw RowError{"no messages in column '" + dataset.field_messages +
                   "' (field_messages); columns found: " + row.columns()};
  if (!messages.is_array())
    throw RowError{"column '" + dataset.field_messages + "' is not a list of messages"};
  if (messages.empty()) throw RowError{"the conversation is empty"};
  Conversation out;
  const Reader reader(dataset, template_source, row.notes());
  for (const json& message : messages) out.turns.push_back(reader.turn(message));
  if (out.turns.front().role() != "system" && row.has("system")) {
    Turn system;
    system.message = {{"role", "system"}, {"content", row.text("system")}};
    if (!row.value("system").is_null()) out.turns.insert(out.turns.begin(), std::move(system));
  }
  if (dataset.drop_system_message && out.turns.front().role() == "system")
    out.turns.erase(out.turns.begin());
  out.tools = read_tools(row, dataset.field_tools);
  return out;
}

}  // namespace axl::data
