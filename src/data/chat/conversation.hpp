#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "core/json.hpp"
#include "data/row.hpp"

namespace axl::data {

/// A stretch of a message's text, in characters (code points), both ends included.
struct TrainingDetail {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool train = false;
  bool operator==(const TrainingDetail&) const = default;
};

/// One message as the template sees it, and what the row says about training it.
struct Turn {
  nlohmann::ordered_json message;                     ///< role, content and what else is mapped
  std::optional<bool> train;                          ///< message_field_training
  std::optional<std::vector<TrainingDetail>> detail;  ///< of `content`
  std::vector<TrainingDetail> thinking_detail;        ///< of the thinking key
  std::string role() const;
};

struct Conversation {
  std::vector<Turn> turns;
  nlohmann::ordered_json tools;  ///< null or a list
};

/// Properties of messages, and columns beside them, that exist for the chat template alone: a row
/// that has one which the template never reads loses it.
bool is_template_field(std::string_view name);

/// Notes a field whose value the chat template never gets, unless it is empty.
void note_unread(RowNotes& notes, const std::string& field, const nlohmann::ordered_json& value);

/// Turns a row's messages into what the template expects: mappings, roles, content parts,
/// thinking, tools. `template_source` decides which unmapped properties are kept: those that it
/// mentions; fields of is_template_field() that are not are noted in the row. RowError says what is
/// wrong with the row.
Conversation read_conversation(const Row& row, const config::DatasetConfig& dataset,
                               const std::string& template_source);

}  // namespace axl::data
