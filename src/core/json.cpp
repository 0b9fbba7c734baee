#include "core/json.hpp"

#include <istream>

namespace axl {

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
  return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string json_string(std::string_view text) { return json_text(nlohmann::json(text)); }

}  // namespace axl
