#include "tokenizer/models/model_json.hpp"

#include "core/error.hpp"
#include "core/json.hpp"

namespace axl::tokenizer::model_json {
namespace {

namespace dom = simdjson::dom;

/// The value of `key`; false when it is absent or null.
bool get(const dom::element& parent, const char* key, dom::element& out) {
  return parent[key].get(out) == simdjson::SUCCESS && !out.is_null();
}

[[noreturn]] void wrong_type(const char* key, const char* wanted) {
  throw Error(ErrorCode::input, std::string("'") + key + "' must be " + wanted);
}

}  // namespace

bool has(const dom::element& parent, const char* key) {
  dom::element e;
  return get(parent, key, e);
}

std::string text_or(const dom::element& parent, const char* key, const std::string& fallback) {
  dom::element e;
  if (!get(parent, key, e)) return fallback;
  std::string_view s;
  if (e.get(s) != simdjson::SUCCESS) wrong_type(key, "a string");
  return std::string(s);
}

bool bool_or(const dom::element& parent, const char* key, bool fallback) {
  dom::element e;
  if (!get(parent, key, e)) return fallback;
  bool b = false;
  if (e.get(b) != simdjson::SUCCESS) wrong_type(key, "true or false");
  return b;
}

std::int64_t integer_or(const dom::element& parent, const char* key, std::int64_t fallback) {
  dom::element e;
  if (!get(parent, key, e)) return fallback;
  std::int64_t i = 0;
  if (e.get(i) != simdjson::SUCCESS) wrong_type(key, "an integer");
  return i;
}

Vocab read_vocab(const dom::element& model, std::size_t file_size) {
  dom::object entries;
  if (model["vocab"].get(entries) != simdjson::SUCCESS) wrong_type("vocab", "an object");
  Vocab vocab;
  vocab.reserve(entries.size(), file_size / 8);
  for (const auto& [token, value] : entries) {
    std::int64_t id = 0;
    if (value.get(id) != simdjson::SUCCESS)
      throw Error(ErrorCode::input,
                  "the vocabulary's id of '" + std::string(token) + "' is not an integer");
    vocab.insert(token, id);
  }
  return vocab;
}

std::string write_vocab(const Vocab& vocab) {
  std::string out = "{";
  const char* separator = "\n      ";
  for (std::int32_t id = 0; id < vocab.end_id(); ++id) {
    if (!vocab.contains_id(id)) continue;
    out += separator + json_string(vocab.text(id)) + ": " + std::to_string(id);
    separator = ",\n      ";
  }
  return out + "\n    }";
}

std::string json_string_or_null(const std::string& text) {
  return text.empty() ? "null" : json_string(text);
}

}  // namespace axl::tokenizer::model_json
