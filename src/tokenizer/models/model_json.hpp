#pragma once
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "tokenizer/models/vocab.hpp"

/// Reading and writing the large objects of tokenizer.json, which simdjson parses; Error{input}
/// says which field is wrong.
namespace axl::tokenizer::model_json {

std::string text_or(const simdjson::dom::element& parent, const char* key,
                    const std::string& fallback);
bool bool_or(const simdjson::dom::element& parent, const char* key, bool fallback);
std::int64_t integer_or(const simdjson::dom::element& parent, const char* key,
                        std::int64_t fallback);
bool has(const simdjson::dom::element& parent, const char* key);

/// "vocab": {token: id}. `file_size` bounds what is reserved.
Vocab read_vocab(const simdjson::dom::element& model, std::size_t file_size);
/// The same object, in order of id.
std::string write_vocab(const Vocab& vocab);

std::string json_string_or_null(const std::string& text);
inline const char* truth(bool value) { return value ? "true" : "false"; }

}  // namespace axl::tokenizer::model_json
