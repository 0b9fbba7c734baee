#include "tokenizer/models/registry.hpp"

#include "tokenizer/models/model_json.hpp"

namespace axl::tokenizer {
namespace {

/// Files from before 2020 do not name the type; only one kind has each of these fields.
std::string guess_type(const simdjson::dom::element& model) {
  if (model_json::has(model, "merges")) return "BPE";
  if (model_json::has(model, "unk_id") || model["vocab"].is_array()) return "Unigram";
  return model_json::has(model, "max_input_chars_per_word") ? "WordPiece" : "WordLevel";
}

}  // namespace

const Registry<ModelSpec>& models() {
  static const Registry<ModelSpec> list{
      "tokenizer model", {bpe_spec(), unigram_spec(), wordpiece_spec(), wordlevel_spec()}};
  return list;
}

std::unique_ptr<Model> read_model(const simdjson::dom::element& model, std::size_t file_size) {
  if (!model.is_object()) throw Error(ErrorCode::input, "'model' must be an object");
  const std::string type = model_json::text_or(model, "type", guess_type(model));
  const ModelSpec* spec = models().find(type);
  if (spec == nullptr)
    throw Error(ErrorCode::input, "the tokenizer model '" + type + "' is not supported")
        .hint("supported: " + models().joined());
  return spec->read(model, file_size);
}

}  // namespace axl::tokenizer
