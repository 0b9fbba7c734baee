#pragma once
#include <iosfwd>
#include <string>
#include <string_view>

// nlohmann's header defines the literal "..."_json as an inline function, and for its body every
// file that includes the header compiles the whole parser: two thirds of a second each. As the body
// of a template that nobody uses it costs nothing.
#define _json(text, size)  \
  _json(text, size);       \
  template <class Literal> \
  nlohmann::json axl_no_literal(text, size)
#include <nlohmann/json.hpp>
#undef _json

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

/// An integer beyond 64 bits by its decimal digits ("-" in front of a negative one): nlohmann's
/// numbers end there, so that a value of kind `binary` stands for it. json_text() writes its
/// digits.
nlohmann::ordered_json big_integer(std::string_view digits);
bool is_big_integer(const nlohmann::ordered_json& value);
/// The digits of is_big_integer().
std::string_view digits_of(const nlohmann::ordered_json& value);

/// On one line, or over many with `indent` blanks a level. Bytes that are not UTF-8 become U+FFFD.
std::string json_text(const nlohmann::json& value, int indent = -1);
std::string json_text(const nlohmann::ordered_json& value, int indent = -1);
/// `text` in quotes, escaped.
std::string json_string(std::string_view text);

}  // namespace axl
