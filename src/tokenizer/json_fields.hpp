#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "core/json.hpp"

/// Reading fields of tokenizer.json's components with one clear Error{input} when one is missing or
/// of the wrong type.
namespace axl::tokenizer {

/// The component's "type"; refuses nesting deeper than 32.
std::string component_type(const nlohmann::ordered_json& spec, std::string_view kind, int depth);
[[noreturn]] void unknown_type(std::string_view kind, std::string_view type,
                               std::string_view known);

/// Error{input}: "TYPE: 'key' must be WANTED, got ...".
[[noreturn]] void throw_bad_field(const nlohmann::ordered_json& spec, const char* key,
                                  const char* wanted);

std::string field_string(const nlohmann::ordered_json& spec, const char* key);
std::string field_string_or(const nlohmann::ordered_json& spec, const char* key,
                            const std::string& fallback);
bool field_bool(const nlohmann::ordered_json& spec, const char* key, bool fallback);
std::int64_t field_integer(const nlohmann::ordered_json& spec, const char* key);
const nlohmann::ordered_json& field_array(const nlohmann::ordered_json& spec, const char* key);
/// "pattern": {"Regex": text} -> {true, text}; {"String": text} -> {false, text}.
std::pair<bool, std::string> read_pattern(const nlohmann::ordered_json& spec);

void replace_literal(std::string& text, std::string_view from, std::string_view to);

}  // namespace axl::tokenizer
