#include "data/row.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "core/json.hpp"
#include "core/python_json.hpp"
#include "core/utf8.hpp"
#include "data/source.hpp"

namespace axl::data {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

nlohmann::ordered_json to_json(element value) {
  switch (value.type()) {
    case element_type::OBJECT: {
      nlohmann::ordered_json out = nlohmann::ordered_json::object();
      const simdjson::dom::object members = value.get_object().value_unsafe();
      for (const auto [key, member] : members) {
        if (!member.is_null())
          out[std::string(key)] = to_json(member);
        else
          out.erase(std::string(key));  // of equal keys the last one counts
      }
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

bool has_equal_keys(simdjson::dom::object object) {
  constexpr std::size_t kFew = 16;
  std::array<std::string_view, kFew> few;
  std::vector<std::string_view> many;
  std::size_t count = 0;
  for (const auto [key, unused] : object) {
    (void)unused;
    if (count < kFew) {
      if (std::find(few.begin(), few.begin() + static_cast<std::ptrdiff_t>(count), key) !=
          few.begin() + static_cast<std::ptrdiff_t>(count))
        return true;
      few[count] = key;
    } else {
      many.push_back(key);
    }
    ++count;
  }
  if (many.empty()) return false;
  many.insert(many.end(), few.begin(), few.end());
  std::sort(many.begin(), many.end());
  return std::adjacent_find(many.begin(), many.end()) != many.end();
}

bool has_duplicate_keys(element value);

/// At any depth.
bool has_duplicate_keys(simdjson::dom::object object) {
  if (has_equal_keys(object)) return true;
  for (const auto [key, member] : object) {
    (void)key;
    if (has_duplicate_keys(member)) return true;
  }
  return false;
}

bool has_duplicate_keys(element value) {
  if (value.is_object()) return has_duplicate_keys(value.get_object().value_unsafe());
  if (!value.is_array()) return false;
  const simdjson::dom::array members = value.get_array().value_unsafe();
  for (const element member : members) {
    if (!member.is_object() && !member.is_array()) break;  // a list of numbers or texts
    if (has_duplicate_keys(member)) return true;
  }
  return false;
}

void remove_nulls(nlohmann::ordered_json& value) {
  if (value.is_object())
    for (auto it = value.begin(); it != value.end();)
      it = it->is_null() ? value.erase(it) : std::next(it);
  if (value.is_structured())
    for (auto& member : value) remove_nulls(member);
}

/// A number that stands for a missing value in a column of texts, as pandas writes it.
bool is_missing(const nlohmann::ordered_json& value) {
  return value.is_null() || (value.is_number_float() && !std::isfinite(value.get<double>()));
}

class JsonRow final : public Row {
 public:
  void set(simdjson::dom::object object) {
    object_ = object;
    notes() = {};
    notes().duplicate_keys = has_duplicate_keys(object);
  }

  bool has(std::string_view column) const override {
    element found;
    return find(column, found);
  }
  bool is_null(std::string_view column) const override {
    element found;
    return !find(column, found) || found.is_null();
  }
  std::string text(std::string_view column) const override {
    element found;
    if (!find(column, found)) return {};
    switch (found.type()) {
      case element_type::STRING:
        return std::string(found.get_string().value_unsafe());
      case element_type::NULL_VALUE:
        return {};
      case element_type::ARRAY:
      case element_type::OBJECT:
        throw RowError{"column '" + std::string(column) + "' holds " +
                       (found.is_array() ? "a list" : "an object") + ", text is expected"};
      default:
        return json_text(to_json(found));
    }
  }
  nlohmann::ordered_json value(std::string_view column) const override {
    element found;
    if (!find(column, found)) return nullptr;
    return to_json(found);
  }
  std::vector<std::string> column_names() const override {
    std::vector<std::string> out;
    for (const auto [key, unused] : object_) {
      (void)unused;
      if (!notes().duplicate_keys || std::find(out.begin(), out.end(), key) == out.end())
        out.emplace_back(key);
    }
    return out;
  }

 private:
  bool find(std::string_view column, element& out) const {
    bool found = false;
    for (const auto [key, value] : object_) {
      if (key != column) continue;
      out = value;  // of equal keys the last one counts
      found = true;
    }
    return found;
  }
  simdjson::dom::object object_;
};

class TextRow final : public Row {
 public:
  void set(std::string_view text) {
    text_ = text;
    notes() = {};
  }
  bool has(std::string_view column) const override { return column == "text"; }
  bool is_null(std::string_view column) const override { return column != "text"; }
  std::string text(std::string_view column) const override {
    return column == "text" ? std::string(text_) : std::string();
  }
  nlohmann::ordered_json value(std::string_view column) const override {
    if (column == "text") return text_;
    return nullptr;
  }
  std::vector<std::string> column_names() const override { return {"text"}; }

 private:
  std::string_view text_;
};

}  // namespace

std::string Row::columns() const {
  std::string out;
  for (const std::string& name : column_names()) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

ValueRow::ValueRow(nlohmann::ordered_json object)
    : object_(std::make_unique<nlohmann::ordered_json>(std::move(object))) {
  if (!object_->is_object()) throw RowError{"not an object {\"column\": value, ...}"};
}
ValueRow::~ValueRow() = default;
bool ValueRow::has(std::string_view column) const { return object_->contains(column); }
bool ValueRow::is_null(std::string_view column) const {
  const auto it = object_->find(column);
  return it == object_->end() || is_missing(*it);
}
std::string ValueRow::text(std::string_view column) const {
  const auto it = object_->find(column);
  if (it == object_->end() || is_missing(*it)) return {};
  if (it->is_string()) return it->get<std::string>();
  if (it->is_structured())
    throw RowError{"column '" + std::string(column) + "' holds " +
                   (it->is_array() ? "a list" : "an object") + ", text is expected"};
  return json_text(*it);
}
nlohmann::ordered_json ValueRow::value(std::string_view column) const {
  const auto it = object_->find(column);
  return it == object_->end() ? nlohmann::ordered_json(nullptr) : *it;
}
std::vector<std::string> ValueRow::column_names() const {
  std::vector<std::string> out;
  for (const auto& item : object_->items()) out.push_back(item.key());
  return out;
}

std::string hint_of_list(const Row& row) {
  for (const std::string& column : row.column_names()) {
    const nlohmann::ordered_json value = row.value(column);
    if (!value.is_array() || value.empty() || !value.front().is_object()) continue;
    return "; under '" + column + "' it holds a list of " + std::to_string(value.size()) +
           " objects: `field: " + column + "` of the dataset reads those as rows";
  }
  return "";
}

std::string Row::required(std::string_view column) const {
  if (!is_null(column)) return text(column);
  throw RowError{(has(column) ? "column '" + std::string(column) + "' is null"
                              : "no column '" + std::string(column) + "'") +
                 "; columns found: " + columns()};
}

struct RowParser::Impl {
  simdjson::dom::parser parser;
  std::string buffer;
  JsonRow json;
  TextRow text;
  std::optional<ValueRow> other;  ///< a row that simdjson does not read
};

RowParser::RowParser() : impl_(std::make_unique<Impl>()) {}
RowParser::~RowParser() = default;

const Row& RowParser::parse_text(std::string_view text, bool plain) {
  if (plain) {
    impl_->text.set(text);
    return impl_->text;
  }
  impl_->buffer.assign(text);
  impl_->buffer.resize(text.size() + simdjson::SIMDJSON_PADDING, ' ');
  return parse_padded(impl_->buffer.data(), text.size());
}

const Row& RowParser::parse(const SourceFile& file, const RowRef& ref) {
  const std::string_view bytes = file.bytes();
  const std::string_view text = bytes.substr(ref.offset, ref.length);
  // simdjson reads a little beyond the end: only the last rows of a file need a copy.
  if (file.kind == FileKind::text ||
      bytes.size() - ref.offset - ref.length < simdjson::SIMDJSON_PADDING)
    return parse_text(text, file.kind == FileKind::text);
  return parse_padded(text.data(), text.size());
}

const Row& RowParser::parse_padded(const char* text, std::size_t length) {
  element document;
  if (const auto error = impl_->parser.parse(text, length, false).get(document)) {
    const std::string_view row(text, length);
    if (const std::size_t bad = first_not_utf8(row); bad != std::string_view::npos)
      throw RowError{why_not_utf8(row, bad, likely_encoding(row, bad))};
    // NaN, Infinity and integers beyond 64 bits, which the fast reader refuses.
    PythonJson read = parse_python_json(row);
    if (!read.error.empty()) throw RowError{"invalid JSON: " + read.error};
    if (read.value.is_object())
      for (auto& column : read.value) remove_nulls(column);
    impl_->other.emplace(std::move(read.value));
    impl_->other->notes().duplicate_keys = read.duplicate_keys;
    return *impl_->other;
  }
  std::string_view alone;
  if (document.get(alone) == simdjson::SUCCESS && alone.starts_with(kNoRow))
    throw RowError{std::string(alone.substr(kNoRow.size()))};
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS)
    throw RowError{"not an object {\"column\": value, ...}"};
  impl_->json.set(object);
  return impl_->json;
}

}  // namespace axl::data
