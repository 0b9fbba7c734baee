#include "core/json.hpp"

#include <algorithm>
#include <istream>

namespace axl {
namespace {

using nlohmann::ordered_json;

bool holds_big_integer(const ordered_json& value) {
  if (!value.is_structured()) return value.is_binary();
  return std::any_of(value.begin(), value.end(), holds_big_integer);
}

/// Writes what nlohmann's writer does, and the digits of big integers.
void write(const ordered_json& value, int indent, int depth, std::string& out) {
  if (is_big_integer(value)) {
    out += digits_of(value);
    return;
  }
  if (!holds_big_integer(value)) {
    out += value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    return;
  }
  const auto line = [&](int levels) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent * levels), ' ');
  };
  out += value.is_array() ? '[' : '{';
  for (auto it = value.begin(); it != value.end(); ++it) {
    if (it != value.begin()) out += ',';
    line(depth + 1);
    if (value.is_object()) out += json_string(it.key()) + (indent < 0 ? ":" : ": ");
    write(*it, indent, depth + 1, out);
  }
  line(depth);
  out += value.is_array() ? ']' : '}';
}

}  // namespace

ordered_json big_integer(std::string_view digits) {
  return ordered_json::binary({digits.begin(), digits.end()});
}

bool is_big_integer(const ordered_json& value) { return value.is_binary(); }

std::string_view digits_of(const ordered_json& value) {
  const auto& bytes = value.get_binary();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class Json>
Json parse_json(std::string_view text) {
  return Json::parse(text);
}

template <class Json>
Json try_parse_json(std::string_view text) {
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

template <class Json>
Json parse_json(std::istream& in) {
  return Json::parse(in);
}

template <class Json>
Json try_parse_json(std::istream& in) {
  return Json::parse(in, nullptr, /*allow_exceptions=*/false);
}

template nlohmann::json parse_json(std::string_view);
template nlohmann::ordered_json parse_json(std::string_view);
template nlohmann::json try_parse_json(std::string_view);
template nlohmann::ordered_json try_parse_json(std::string_view);
template nlohmann::json parse_json(std::istream&);
template nlohmann::ordered_json parse_json(std::istream&);
template nlohmann::json try_parse_json(std::istream&);
template nlohmann::ordered_json try_parse_json(std::istream&);

std::string json_text(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string json_text(const nlohmann::ordered_json& value, int indent) {
  if (holds_big_integer(value)) {
    std::string out;
    write(value, indent, 0, out);
    return out;
  }
  return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string json_string(std::string_view text) { return json_text(nlohmann::json(text)); }

}  // namespace axl
