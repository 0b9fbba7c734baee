#include <simdjson.h>

#include <charconv>

#include "core/error.hpp"
#include "tokenizer/tokenizer_parts.hpp"

namespace axl::tokenizer {
namespace {

namespace dom = simdjson::dom;
using Json = nlohmann::ordered_json;

Error wrong(const std::string& what) { return Error(ErrorCode::input, what); }

dom::object object_of(const dom::element& parent, const char* key) {
  dom::object out;
  if (parent[key].get(out) != simdjson::SUCCESS)
    throw wrong(std::string("'") + key + "' must be an object");
  return out;
}

std::string text_or(const dom::element& parent, const char* key, const std::string& fallback) {
  dom::element e;
  if (parent[key].get(e) != simdjson::SUCCESS || e.is_null()) return fallback;
  std::string_view s;
  if (e.get(s) != simdjson::SUCCESS) throw wrong(std::string("'") + key + "' must be a string");
  return std::string(s);
}

bool bool_or(const dom::element& parent, const char* key, bool fallback) {
  dom::element e;
  if (parent[key].get(e) != simdjson::SUCCESS || e.is_null()) return fallback;
  bool b = false;
  if (e.get(b) != simdjson::SUCCESS)
    throw wrong(std::string("'") + key + "' must be true or false");
  return b;
}

/// A component (small) as a JSON value of its own.
Json component(const dom::element& root, const char* key) {
  dom::element e;
  if (root[key].get(e) != simdjson::SUCCESS || e.is_null()) return nullptr;
  return Json::parse(simdjson::minify(e));
}

Vocab read_vocab(const dom::element& model, std::size_t file_size) {
  const dom::object entries = object_of(model, "vocab");
  Vocab vocab;
  vocab.reserve(entries.size(), file_size / 8);
  for (const auto& [token, value] : entries) {
    std::int64_t id = 0;
    if (value.get(id) != simdjson::SUCCESS)
      throw wrong("the vocabulary's id of '" + std::string(token) + "' is not an integer");
    vocab.insert(token, id);
  }
  return vocab;
}

std::int32_t merge_part(const Vocab& vocab, std::string_view part, std::size_t rank) {
  const std::int32_t id = vocab.find(part);
  if (id < 0)
    throw wrong("merge " + std::to_string(rank) + " uses '" + std::string(part) +
                "', which is not in the vocabulary");
  return id;
}

/// Merges are "left right" strings or [left, right] pairs.
std::vector<Bpe::Merge> read_merges(const dom::element& model, const Vocab& vocab) {
  dom::array list;
  if (model["merges"].get(list) != simdjson::SUCCESS) throw wrong("'merges' must be a list");
  std::vector<Bpe::Merge> merges;
  merges.reserve(list.size());
  for (const dom::element item : list) {
    const std::size_t rank = merges.size();
    std::string_view left, right;
    dom::array pair;
    if (item.get(left) == simdjson::SUCCESS) {
      if (left.starts_with("#version")) continue;
      const std::size_t space = left.find(' ');
      if (space == std::string_view::npos || left.find(' ', space + 1) != std::string_view::npos)
        throw wrong("merge " + std::to_string(rank) + " '" + std::string(left) +
                    "' must be two tokens with one space between");
      right = left.substr(space + 1);
      left = left.substr(0, space);
    } else if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
               pair.at(0).get(left) != simdjson::SUCCESS ||
               pair.at(1).get(right) != simdjson::SUCCESS) {
      throw wrong("merge " + std::to_string(rank) + " must be a string or a pair of strings");
    }
    merges.emplace_back(merge_part(vocab, left, rank), merge_part(vocab, right, rank));
  }
  return merges;
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
  t.single_word = bool_or(e, "single_word", false);
  t.lstrip = bool_or(e, "lstrip", false);
  t.rstrip = bool_or(e, "rstrip", false);
  t.special = bool_or(e, "special", false);
  t.normalized = bool_or(e, "normalized", !t.special);
  return t;
}

TokenizerParts read_parts(const dom::element& root, std::size_t file_size) {
  dom::element model;
  if (!root.is_object() || root["model"].get(model) != simdjson::SUCCESS)
    throw wrong("this is no tokenizer.json: it has no 'model'");
  // Old files leave the type out; only BPE and WordPiece existed then, and only BPE has merges.
  const bool merges = model["merges"].error() == simdjson::SUCCESS;
  const std::string type = text_or(model, "type", merges ? "BPE" : "");
  if (type != "BPE")
    throw Error(ErrorCode::input, "the tokenizer model '" + type + "' is not supported")
        .hint("supported: BPE");
  TokenizerParts parts;
  parts.vocab = read_vocab(model, file_size);
  parts.merges = read_merges(model, parts.vocab);
  BpeOptions& o = parts.options;
  o.unk_token = text_or(model, "unk_token", "");
  o.continuing_subword_prefix = text_or(model, "continuing_subword_prefix", "");
  o.end_of_word_suffix = text_or(model, "end_of_word_suffix", "");
  o.fuse_unk = bool_or(model, "fuse_unk", false);
  o.byte_fallback = bool_or(model, "byte_fallback", false);
  o.ignore_merges = bool_or(model, "ignore_merges", false);
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
  simdjson::padded_string bytes;
  if (simdjson::padded_string::load(path).get(bytes) != simdjson::SUCCESS)
    throw Error(ErrorCode::input, "cannot read the file").at({path, 0, 0, ""});
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

std::string write_tokenizer_json(const Bpe& model, const std::vector<AddedToken>& added,
                                 const TokenizerParts& parts) {
  std::string out;
  const auto quoted = [](std::string_view s) { return Json(s).dump(); };
  const auto optional = [&](const std::string& s) { return s.empty() ? "null" : quoted(s); };
  const auto truth = [](bool b) { return b ? "true" : "false"; };
  out += "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n";
  Json tokens = Json::array();
  for (const AddedToken& t : added)
    tokens.push_back({{"id", t.id},
                      {"content", t.content},
                      {"single_word", t.single_word},
                      {"lstrip", t.lstrip},
                      {"rstrip", t.rstrip},
                      {"normalized", t.normalized},
                      {"special", t.special}});
  out += "  \"added_tokens\": " + tokens.dump() + ",\n";
  out += "  \"normalizer\": " + parts.normalizer.dump() + ",\n";
  out += "  \"pre_tokenizer\": " + parts.pre_tokenizer.dump() + ",\n";
  out += "  \"post_processor\": " + parts.post_processor.dump() + ",\n";
  out += "  \"decoder\": " + parts.decoder.dump() + ",\n";
  const BpeOptions& o = model.options();
  out += "  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": " +
         optional(o.unk_token) +
         ",\n    \"continuing_subword_prefix\": " + optional(o.continuing_subword_prefix) +
         ",\n    \"end_of_word_suffix\": " + optional(o.end_of_word_suffix) +
         ",\n    \"fuse_unk\": " + truth(o.fuse_unk) +
         ",\n    \"byte_fallback\": " + truth(o.byte_fallback) +
         ",\n    \"ignore_merges\": " + truth(o.ignore_merges) + ",\n    \"vocab\": {";
  const Vocab& vocab = model.vocab();
  bool first = true;
  for (std::int32_t id = 0; id < vocab.end_id(); ++id) {
    if (!vocab.contains_id(id)) continue;
    out += (first ? "\n      " : ",\n      ") + quoted(vocab.text(id)) + ": " + std::to_string(id);
    first = false;
  }
  out += "\n    },\n    \"merges\": [";
  first = true;
  for (const auto& [left, right] : model.merges()) {
    out += (first ? "\n      [" : ",\n      [") + quoted(vocab.text(left)) + ", " +
           quoted(vocab.text(right)) + "]";
    first = false;
  }
  out += "\n    ]\n  }\n}\n";
  return out;
}

}  // namespace axl::tokenizer
