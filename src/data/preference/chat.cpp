#include <memory>

#include "data/chat/characters.hpp"
#include "data/chat/conversation.hpp"
#include "data/chat/renderer.hpp"
#include "data/preference.hpp"

// Preference rows made of messages, rendered by the chat template.

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kSentinel = "[[dummy_answer]]";

/// Reads messages of one dataset; shared by the types below.
class Messages {
 public:
  explicit Messages(const FormatContext& c) : dataset_(c.dataset), renderer_(c) {
    for (const auto& [target, names] : dataset_.roles)
      for (const std::string& name : names) roles_[name] = target;
  }
  const config::DatasetConfig& dataset() const { return dataset_; }
  const ChatRenderer& renderer() const { return renderer_; }

  /// {role, content} of a message as the row names them. `fallback` is the role of plain text.
  json message(const json& given, const char* fallback, const std::string& column,
               RowNotes& notes) const {
    if (given.is_string()) return {{"role", fallback}, {"content", given}};
    if (given.is_object())  // Axolotl takes no more of a message either
      for (const auto& [key, value] : given.items())
        if (is_template_field(key)) note_unread(notes, key, value);
    const auto find = [&](const char* target) -> const json* {
      const auto mapped = dataset_.message_property_mappings.find(target);
      for (const std::string& name :
           {mapped == dataset_.message_property_mappings.end() ? std::string(target)
                                                               : mapped->second,
            std::string(target)})
        if (given.is_object())
          if (const auto it = given.find(name); it != given.end() && !it->is_null()) return &*it;
      return nullptr;
    };
    const json* role = find("role");
    const json* content = find("content");
    if (!role || !role->is_string() || !content)
      throw RowError{"a message of column '" + column + "' has no role or no content"};
    const auto known = roles_.find(role->get_ref<const std::string&>());
    return {{"role", known == roles_.end() ? role->get<std::string>() : known->second},
            {"content", *content}};
  }

  /// A column of messages; plain text is one user message.
  json list(const Row& row, const std::string& column) const {
    const json value = row.value(column);
    if (value.is_null())
      throw RowError{"no column '" + column + "'; columns found: " + row.columns()};
    note_unread(row.notes(), "tools", row.value(dataset_.field_tools));
    json out = json::array();
    if (value.is_string()) {
      out.push_back(message(value, "user", column, row.notes()));
    } else {
      if (!value.is_array()) throw RowError{"column '" + column + "' is not a list of messages"};
      for (const json& item : value) out.push_back(message(item, "user", column, row.notes()));
    }
    if (out.empty()) throw RowError{"column '" + column + "' has no messages"};
    return out;
  }

  /// An answer: text, a message, or a list whose last message it is.
  json answer(const Row& row, const std::string& column) const {
    const json value = row.value(column);
    if (value.is_null())
      throw RowError{"no column '" + column + "'; columns found: " + row.columns()};
    if (!value.is_array()) return message(value, "assistant", column, row.notes());
    if (value.empty()) throw RowError{"column '" + column + "' has no messages"};
    return message(value.back(), "assistant", column, row.notes());
  }

  /// The answer's text with the template's end of turn.
  std::string rendered_answer(const json& given) const {
    if (!given.at("content").is_string()) throw RowError{"an answer's content is not text"};
    const std::string& content = given.at("content").get_ref<const std::string&>();
    if (trimmed(content, true, true).empty()) throw RowError{"an answer is empty"};
    const auto conversation = [&](const json& answer) {
      return renderer_.render(
          json::array({{{"role", "user"}, {"content", "[[dummy_message]]"}}, answer}), nullptr,
          false);
    };
    const std::string text = conversation(given);
    // A short answer also occurs in the frame around it: another one shows where the frame ends.
    const std::string other = conversation({{"role", given.at("role")}, {"content", kSentinel}});
    const std::string_view frame = std::string_view(other).substr(0, other.find(kSentinel));
    std::size_t at = std::string::npos;
    if (frame.size() < other.size() && text.starts_with(frame))
      at = frame.size();
    else
      at = text.find(trimmed(content, true, true));
    if (at == std::string::npos) throw RowError{"the chat template does not write the answer"};
    return std::string(trimmed(std::string_view(text).substr(at), false, true));
  }

 private:
  config::DatasetConfig dataset_;
  ChatRenderer renderer_;
  std::map<std::string, std::string> roles_;
};

ComparisonReader chat_pairs(const FormatContext& c) {
  return [m = std::make_shared<const Messages>(c)](const Row& row) {
    Comparison out;  // a column `system` is not read, as in Axolotl
    out.prompt = m->renderer().render(m->list(row, m->dataset().field_messages), nullptr, true);
    out.chosen = m->rendered_answer(m->answer(row, m->dataset().field_chosen));
    out.rejected = m->rendered_answer(m->answer(row, m->dataset().field_rejected));
    return out;
  };
}

/// chosen and rejected are whole conversations that share all but their last message.
ComparisonReader argilla_chat(const FormatContext& c) {
  return [m = std::make_shared<const Messages>(c)](const Row& row) {
    json chosen = m->list(row, m->dataset().field_chosen);
    const json rejected = m->list(row, m->dataset().field_rejected);
    if (chosen.size() < 2 || rejected.empty())
      throw RowError{"chosen is not a conversation of at least two messages"};
    Comparison out;
    out.chosen = m->rendered_answer(chosen.back());
    out.rejected = m->rendered_answer(rejected.back());
    chosen.erase(chosen.size() - 1);
    out.prompt = m->renderer().render(chosen, nullptr, true);
    return out;
  };
}

std::string behind(const std::string& text, std::size_t characters) {
  std::size_t at = 0;
  for (std::size_t n = 0; at < text.size(); ++at)
    if (!is_continuation(text[at]) && n++ == characters) break;
  return text.substr(at);
}

/// ORPO: turns of user and assistant by turns, whatever the roles say; those before the answer are
/// chosen's, also for the rejected answer. A column `prompt` stands for every question. What
/// follows the rendered prompt is the answer.
ComparisonReader orpo_argilla(const FormatContext& c) {
  return [m = std::make_shared<const Messages>(c)](const Row& row) {
    const json chosen = m->list(row, m->dataset().field_chosen);
    const json rejected = m->list(row, m->dataset().field_rejected);
    if (chosen.size() % 2 != 0)
      throw RowError{"chosen must be questions and answers by turns, with an answer at the end"};
    json turns = json::array();
    const std::string system = row.has("system") ? row.text("system") : "";
    if (!system.empty()) turns.push_back({{"role", "system"}, {"content", system}});
    for (std::size_t i = 0; i + 1 < chosen.size(); ++i)
      turns.push_back({{"role", i % 2 == 0 ? "user" : "assistant"},
                       {"content", i % 2 == 0 && row.has("prompt") ? json(row.required("prompt"))
                                                                   : chosen[i].at("content")}});
    Comparison out;
    out.prompt = m->renderer().render(turns, nullptr, true);
    const std::size_t prompt = character_count(out.prompt);
    for (const auto& [last, answer] :
         {std::pair{&chosen.back(), &out.chosen}, std::pair{&rejected.back(), &out.rejected}}) {
      json all = turns;
      all.push_back({{"role", "assistant"}, {"content", last->at("content")}});
      *answer = behind(m->renderer().render(all, nullptr, false), prompt);
    }
    return out;
  };
}

/// KTO: a conversation whose last message is judged by `label`.
ComparisonReader chat_kto(const FormatContext& c) {
  return [m = std::make_shared<const Messages>(c)](const Row& row) {
    json messages = m->list(row, m->dataset().field_messages);
    const json label = row.value("label");
    if (!label.is_boolean())
      throw RowError{"column 'label' is not true or false; columns found: " + row.columns()};
    Comparison out;
    if (row.has("completion")) {
      out.chosen = m->rendered_answer(m->answer(row, "completion"));
    } else {
      if (messages.size() < 2) throw RowError{"the conversation has no answer to judge"};
      out.chosen = m->rendered_answer(messages.back());
      messages.erase(messages.size() - 1);
    }
    out.prompt = m->renderer().render(messages, nullptr, true);
    out.desirable = label.get<bool>();
    return out;
  };
}

/// Reward model: two whole conversations about the same question.
ComparisonReader bradley_terry(const FormatContext& c) {
  return [m = std::make_shared<const Messages>(c)](const Row& row) {
    json prompt = json::array();
    if (row.has("system"))  // an empty one is a turn too
      prompt.push_back({{"role", "system"}, {"content", row.text("system")}});
    if (row.has(m->dataset().field_messages)) {
      for (const json& message : m->list(row, m->dataset().field_messages))
        prompt.push_back(message);
    } else {
      prompt.push_back({{"role", "user"}, {"content", row.required("input")}});
    }
    Comparison out;
    for (const auto& [column, answer] : {std::pair{&m->dataset().field_chosen, &out.chosen},
                                         std::pair{&m->dataset().field_rejected, &out.rejected}}) {
      json all = prompt;
      all.push_back(m->answer(row, *column));
      *answer = m->renderer().render(all, nullptr, false);
    }
    return out;
  };
}

}  // namespace

PreferenceSpec chat_pairs_spec() {
  return {"chat_template", "messages (field_messages), chosen, rejected, [system]", &chat_pairs};
}
PreferenceSpec argilla_chat_pairs_spec() {
  return {"chat_template.argilla_chat", "chosen[], rejected[]: whole conversations", &argilla_chat};
}
PreferenceSpec orpo_argilla_spec() {
  return {"chat_template.argilla", "chosen[], rejected[]: whole conversations, [system], [prompt]",
          &orpo_argilla};
}
PreferenceSpec chat_kto_spec() {
  return {"chat_template", "messages (field_messages), label, [completion]", &chat_kto};
}
PreferenceSpec bradley_terry_spec() {
  return {"bradley_terry.chat_template", "input or messages, chosen, rejected, [system]",
          &bradley_terry};
}

}  // namespace axl::data
