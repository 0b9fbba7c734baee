#pragma once
#include <simdjson.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace axl::data {

/// Why one row cannot be used. Caught by the reader, counted, and shown with the row's file:line.
struct RowError {
  std::string why;
};

/// One parsed row: an object of the JSON file, or a line of a text file as its column `text`.
class Row {
 public:
  explicit Row(simdjson::dom::object object) : object_(object) {}
  explicit Row(std::string_view text) : text_(text) {}

  bool has(std::string_view column) const;
  /// Text of a column: "" when it is missing or null; numbers and truth values as JSON writes
  /// them. RowError for a list or an object.
  std::string text(std::string_view column) const;
  /// The same, but RowError naming the columns found when it is missing or null.
  std::string required(std::string_view column) const;
  /// The column's JSON value, nulls inside of objects removed (they stem from unified table
  /// schemas and mean "not there"); null when it is missing.
  nlohmann::ordered_json value(std::string_view column) const;
  std::string columns() const;  ///< "a, b, c"

 private:
  std::optional<simdjson::dom::element> find(std::string_view column) const;
  std::optional<simdjson::dom::object> object_;
  std::string_view text_;
};

}  // namespace axl::data
