#include "tokenizer/json_fields.hpp"

#include <algorithm>
#include <cstring>

#include "core/error.hpp"

namespace axl::tokenizer {
using Json = nlohmann::ordered_json;

void throw_bad_field(const Json& spec, const char* key, const char* wanted) {
  std::string type = "the component";
  if (spec.is_object() && spec.contains("type") && spec["type"].is_string())
    type = spec["type"].get<std::string>();
  const bool there = spec.is_object() && spec.contains(key);
  throw Error(ErrorCode::input, type + ": '" + key + "' must be " + wanted + ", " +
                                    (there ? std::string("got ") + spec[key].type_name()
                                           : std::string("but it is missing")));
}

std::string component_type(const Json& spec, std::string_view kind, int depth) {
  constexpr int kDeepest = 32;
  if (depth > kDeepest)
    throw Error(ErrorCode::input, std::string(kind) + ": nested deeper than 32 levels");
  if (!spec.is_object())
    throw Error(ErrorCode::input,
                std::string(kind) + " must be an object, got " + spec.type_name());
  return field_string(spec, "type");
}

void unknown_type(std::string_view kind, std::string_view type, std::string_view known) {
  throw Error(ErrorCode::input,
              "the " + std::string(kind) + " type '" + std::string(type) + "' is not supported")
      .hint("supported: " + std::string(known));
}

std::string field_string(const Json& spec, const char* key) {
  const auto it = spec.is_object() ? spec.find(key) : spec.end();
  if (!spec.is_object() || it == spec.end() || !it->is_string())
    throw_bad_field(spec, key, "a string");
  return it->get<std::string>();
}

std::string field_string_or(const Json& spec, const char* key, const std::string& fallback) {
  const auto it = spec.find(key);
  return it == spec.end() || it->is_null() ? fallback : field_string(spec, key);
}

bool field_bool(const Json& spec, const char* key, bool fallback) {
  const auto it = spec.find(key);
  if (it == spec.end() || it->is_null()) return fallback;
  if (!it->is_boolean()) throw_bad_field(spec, key, "true or false");
  return it->get<bool>();
}

std::int64_t field_integer(const Json& spec, const char* key) {
  const auto it = spec.find(key);
  if (it == spec.end() || !it->is_number_integer()) throw_bad_field(spec, key, "an integer");
  return it->get<std::int64_t>();
}

const Json& field_array(const Json& spec, const char* key) {
  const auto it = spec.find(key);
  if (it == spec.end() || !it->is_array()) throw_bad_field(spec, key, "a list");
  return *it;
}

std::pair<bool, std::string> read_pattern(const Json& spec) {
  const auto it = spec.find("pattern");
  if (it != spec.end() && it->is_object()) {
    if (it->contains("Regex")) return {true, field_string(*it, "Regex")};
    if (it->contains("String")) return {false, field_string(*it, "String")};
  }
  throw_bad_field(spec, "pattern", "{\"Regex\": ...} or {\"String\": ...}");
}

void replace_literal(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty()) return;
  std::size_t hit = text.find(from);
  if (hit == std::string::npos) return;
  std::string out;
  if (from.size() == 1 && to.size() <= sizeof(std::uint64_t)) {
    // The way of SentencePiece, at every word: eight bytes are written, of which some count.
    char by[sizeof(std::uint64_t)] = {};
    std::copy(to.begin(), to.end(), by);
    const auto hits = static_cast<std::size_t>(std::count(text.begin(), text.end(), from[0]));
    out.resize(text.size() + hits * to.size() + sizeof by);
    char* at = out.data();
    for (const char c : text) {
      const bool is_hit = c == from[0];
      char one[sizeof by] = {c};
      std::memcpy(at, is_hit ? by : one, sizeof by);
      at += is_hit ? to.size() : 1;
    }
    out.resize(static_cast<std::size_t>(at - out.data()));
    text = std::move(out);
    return;
  }
  std::size_t at = 0;
  for (; hit != std::string::npos; hit = text.find(from, at)) {
    out.append(text, at, hit - at);
    out += to;
    at = hit + from.size();
  }
  out.append(text, at);
  text = std::move(out);
}

}  // namespace axl::tokenizer
