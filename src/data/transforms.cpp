#include "data/transforms.hpp"

#include <sstream>

#include "core/ascii.hpp"
#include "core/json.hpp"
#include "data/chat/characters.hpp"

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;
using Change = std::function<void(json&)>;

Change on_text(std::string column, void (*change)(std::string&)) {
  return [column = std::move(column), change](json& row) {
    const auto it = row.find(column);
    if (it != row.end() && it->is_string()) change(it->get_ref<std::string&>());
  };
}

void strip(std::string& text) { text = std::string(trimmed(text, true, true)); }

void lower(std::string& text) { text = ascii_lower(std::move(text)); }

Change parse(const std::string& line, const UserLocation& where) {
  std::istringstream words(line);
  std::string verb, column, rest;
  words >> verb >> column;
  std::getline(words >> std::ws, rest);
  const bool two = verb == "rename" || verb == "set";
  if (column.empty() || two == rest.empty())
    throw Error(ErrorCode::config, "row transform '" + line + "' is not understood")
        .at(where)
        .hint(
            "known: strip COLUMN, lower COLUMN, rename OLD NEW, drop COLUMN, set COLUMN TEXT, "
            "require COLUMN");
  if (verb == "strip") return on_text(column, &strip);
  if (verb == "lower") return on_text(column, &lower);
  if (verb == "drop") return [column](json& row) { row.erase(column); };
  if (verb == "set") return [column, rest](json& row) { row[column] = rest; };
  if (verb == "rename")
    return [column, rest](json& row) {
      const auto it = row.find(column);
      if (it == row.end()) return;
      json value = std::move(*it);
      row.erase(column);
      row[rest] = std::move(value);
    };
  if (verb == "require")
    return [column](json& row) {
      const auto it = row.find(column);
      if (it == row.end() || it->is_null() ||
          (it->is_string() && it->get_ref<const std::string&>().empty()))
        throw RowError{"column '" + column + "' is empty (row_transforms: require)"};
    };
  throw Error(ErrorCode::config, "unknown row transform '" + verb + "'")
      .at(where)
      .hint("known: strip, lower, rename, drop, set, require");
}

}  // namespace

RowConverter with_transforms(const config::DatasetConfig& dataset, RowConverter inner) {
  if (dataset.row_transforms.empty()) return inner;
  std::vector<Change> changes;
  for (const std::string& line : dataset.row_transforms)
    changes.push_back(parse(line, dataset.where));
  return [changes = std::move(changes), inner = std::move(inner)](const Row& row,
                                                                  std::vector<Sample>& out) {
    json object = json::object();
    for (const std::string& column : row.column_names()) object[column] = row.value(column);
    for (const Change& change : changes) change(object);
    const ValueRow changed(std::move(object));
    changed.notes() = row.notes();
    inner(changed, out);
    row.notes() = changed.notes();
  };
}

}  // namespace axl::data
