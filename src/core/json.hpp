#pragma once
#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace axl {

// nlohmann's parser and writer are templates that cost a second in every file that calls them: they
// are compiled once, behind these. `Json` is nlohmann::json or nlohmann::ordered_json.

/// Throws Json::parse_error.
template <class Json>
Json parse_json(std::string_view text);
template <class Json>
Json parse_json(std::istream& in);

/// is_discarded() where `text` is not JSON.
template <class Json>
Json try_parse_json(std::string_view text);
template <class Json>
Json try_parse_json(std::istream& in);

/// On one line, or over many with `indent` blanks a level. Bytes that are not UTF-8 become U+FFFD.
std::string json_text(const nlohmann::json& value, int indent = -1);
std::string json_text(const nlohmann::ordered_json& value, int indent = -1);
/// `text` in quotes, escaped.
std::string json_string(std::string_view text);

}  // namespace axl
