#include <simdjson.h>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/json.hpp"
#include "tokenizer/models/model_json.hpp"
#include "tokenizer/models/registry.hpp"
#include "tokenizer/tokenizer_parts.hpp"

namespace axl::tokenizer {
namespace {

namespace dom = simdjson::dom;
using Json = nlohmann::ordered_json;

Error wrong(const std::string& what) { return Error(ErrorCode::input, what); }

/// A component (small) as a JSON value of its own.
Json component(const dom::element& root, const char* key) {
  dom::element e;
  if (root[key].get(e) != simdjson::SUCCESS || e.is_null()) return nullptr;
  return parse_json<Json>(simdjson::minify(e));
}

AddedToken read_added(const dom::element& e) {
  AddedToken t;
  std::int64_t id = -1;
  std::string_view content;
  if (e["content"].get(content) != simdjson::SUCCESS || e["id"].get(id) != simdjson::SUCCESS)
    throw wrong("every item of 'added_tokens' needs an 'id' and a 'content'");
  if (id < 0 || id >= std::int64_t{1} << 24)
    throw wrong("the added token '" + std::string(content) + "' has the id " + std::to_string(id) +
                "; ids must lie in 0...16777215");
  t.content = content;
  t.id = static_cast<std::int32_t>(id);
  t.single_word = model_json::bool_or(e, "single_word", false);
  t.lstrip = model_json::bool_or(e, "lstrip", false);
  t.rstrip = model_json::bool_or(e, "rstrip", false);
  t.special = model_json::bool_or(e, "special", false);
  t.normalized = model_json::bool_or(e, "normalized", !t.special);
  return t;
}

TokenizerParts read_parts(const dom::element& root, std::size_t file_size) {
  dom::element model;
  if (!root.is_object() || root["model"].get(model) != simdjson::SUCCESS)
    throw wrong("this is no tokenizer.json: it has no 'model'");
  TokenizerParts parts;
  parts.model = read_model(model, file_size);
  dom::element added;
  if (root["added_tokens"].get(added) == simdjson::SUCCESS && !added.is_null()) {
    dom::array list;
    if (added.get(list) != simdjson::SUCCESS) throw wrong("'added_tokens' must be a list");
    for (const dom::element e : list) parts.added.push_back(read_added(e));
  }
  parts.normalizer = component(root, "normalizer");
  parts.pre_tokenizer = component(root, "pre_tokenizer");
  parts.post_processor = component(root, "post_processor");
  parts.decoder = component(root, "decoder");
  return parts;
}

}  // namespace

TokenizerParts read_tokenizer_json(const std::string& path) {
  const simdjson::padded_string bytes(read_text(path));
  dom::parser parser;
  dom::element root;
  const simdjson::error_code error = parser.parse(bytes).get(root);
  if (error != simdjson::SUCCESS)
    throw Error(ErrorCode::input, std::string("not valid JSON: ") + simdjson::error_message(error))
        .at({path, 0, 0, ""});
  try {
    return read_parts(root, bytes.size());
  } catch (Error& e) {
    if (!e.where().file.empty()) throw;
    throw Error(e.code(), e.message()).at({path, 0, 0, ""}).hint(e.hint());
  }
}

std::string write_tokenizer_json(const Model& model, const std::vector<AddedToken>& added,
                                 const TokenizerParts& parts) {
  Json tokens = Json::array();
  for (const AddedToken& t : added)
    tokens.push_back({{"id", t.id},
                      {"content", t.content},
                      {"single_word", t.single_word},
                      {"lstrip", t.lstrip},
                      {"rstrip", t.rstrip},
                      {"normalized", t.normalized},
                      {"special", t.special}});
  std::string out = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n";
  out += "  \"added_tokens\": " + json_text(tokens) + ",\n";
  out += "  \"normalizer\": " + json_text(parts.normalizer) + ",\n";
  out += "  \"pre_tokenizer\": " + json_text(parts.pre_tokenizer) + ",\n";
  out += "  \"post_processor\": " + json_text(parts.post_processor) + ",\n";
  out += "  \"decoder\": " + json_text(parts.decoder) + ",\n";
  out += "  \"model\": " + model.json() + "\n}\n";
  return out;
}

}  // namespace axl::tokenizer
