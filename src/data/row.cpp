#include "data/row.hpp"

#include <nlohmann/json.hpp>

namespace axl::data {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

nlohmann::ordered_json to_json(element value) {
  switch (value.type()) {
    case element_type::OBJECT: {
      nlohmann::ordered_json out = nlohmann::ordered_json::object();
      const simdjson::dom::object members = value.get_object().value_unsafe();
      for (const auto [key, member] : members)
        if (!member.is_null()) out[std::string(key)] = to_json(member);
      return out;
    }
    case element_type::ARRAY: {
      nlohmann::ordered_json out = nlohmann::ordered_json::array();
      const simdjson::dom::array members = value.get_array().value_unsafe();
      for (const element member : members) out.push_back(to_json(member));
      return out;
    }
    case element_type::STRING:
      return std::string(value.get_string().value_unsafe());
    case element_type::INT64:
      return value.get_int64().value_unsafe();
    case element_type::UINT64:
      return value.get_uint64().value_unsafe();
    case element_type::DOUBLE:
      return value.get_double().value_unsafe();
    case element_type::BOOL:
      return value.get_bool().value_unsafe();
    case element_type::NULL_VALUE:
      break;
  }
  return nullptr;
}

}  // namespace

std::optional<element> Row::find(std::string_view column) const {
  if (!object_) return std::nullopt;
  element found;
  if (object_->at_key(column).get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

bool Row::has(std::string_view column) const {
  if (!object_) return column == "text";
  return find(column).has_value();
}

std::string Row::text(std::string_view column) const {
  if (!object_) return column == "text" ? std::string(text_) : std::string();
  const auto found = find(column);
  if (!found) return {};
  switch (found->type()) {
    case element_type::STRING:
      return std::string(found->get_string().value_unsafe());
    case element_type::NULL_VALUE:
      return {};
    case element_type::ARRAY:
    case element_type::OBJECT:
      throw RowError{"column '" + std::string(column) + "' holds " +
                     (found->is_array() ? "a list" : "an object") + ", text is expected"};
    default:
      return to_json(*found).dump();
  }
}

std::string Row::required(std::string_view column) const {
  const auto found = find(column);
  if (object_ ? found.has_value() && !found->is_null() : column == "text") return text(column);
  throw RowError{(found ? "column '" + std::string(column) + "' is null"
                        : "no column '" + std::string(column) + "'") +
                 "; columns found: " + columns()};
}

nlohmann::ordered_json Row::value(std::string_view column) const {
  if (!object_) return column == "text" ? nlohmann::ordered_json(text_) : nullptr;
  const auto found = find(column);
  return found ? to_json(*found) : nlohmann::ordered_json(nullptr);
}

std::string Row::columns() const {
  if (!object_) return "text";
  std::string out;
  for (const auto [key, value] : *object_) {
    if (!out.empty()) out += ", ";
    out += key;
    (void)value;
  }
  return out;
}

}  // namespace axl::data
