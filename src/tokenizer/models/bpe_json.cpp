// Reading a BPE model of tokenizer.json.
#include "core/error.hpp"
#include "core/log.hpp"
#include "tokenizer/models/bpe.hpp"
#include "tokenizer/models/model_json.hpp"
#include "tokenizer/models/registry.hpp"

namespace axl::tokenizer {
namespace {

namespace dom = simdjson::dom;

Error bad_merge(const std::string& what) { return Error(ErrorCode::input, what); }

/// Merges are "left right" strings or [left, right] pairs.
std::vector<Merge> read_merges(const dom::element& model, const Vocab& vocab) {
  dom::array list;
  if (model["merges"].get(list) != simdjson::SUCCESS) throw bad_merge("'merges' must be a list");
  std::vector<std::string_view> parts;
  parts.reserve(2 * list.size());
  for (const dom::element item : list) {
    const std::size_t rank = parts.size() / 2;
    std::string_view left, right;
    dom::array pair;
    if (item.get(left) == simdjson::SUCCESS) {
      if (left.starts_with("#version")) continue;
      const std::size_t space = left.find(' ');
      if (space == std::string_view::npos || left.find(' ', space + 1) != std::string_view::npos)
        throw bad_merge("merge " + std::to_string(rank) + " '" + std::string(left) +
                        "' must be two tokens with one space between");
      right = left.substr(space + 1);
      left = left.substr(0, space);
    } else if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
               pair.at(0).get(left) != simdjson::SUCCESS ||
               pair.at(1).get(right) != simdjson::SUCCESS) {
      throw bad_merge("merge " + std::to_string(rank) + " must be a string or a pair of strings");
    }
    parts.push_back(left);
    parts.push_back(right);
  }
  std::vector<std::int32_t> ids(parts.size());
  vocab.find_all(parts, ids.data());
  std::vector<Merge> merges;
  merges.reserve(parts.size() / 2);
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    for (std::size_t k = i; k < i + 2; ++k)
      if (ids[k] < 0)
        throw bad_merge("merge " + std::to_string(i / 2) + " uses '" + std::string(parts[k]) +
                        "', which is not in the vocabulary");
    merges.emplace_back(ids[i], ids[i + 1]);
  }
  return merges;
}

std::unique_ptr<Model> read(const dom::element& model, std::size_t file_size) {
  Vocab vocab = model_json::read_vocab(model, file_size);
  std::vector<Merge> merges = read_merges(model, vocab);
  BpeOptions o;
  o.unk_token = model_json::text_or(model, "unk_token", "");
  o.continuing_subword_prefix = model_json::text_or(model, "continuing_subword_prefix", "");
  o.end_of_word_suffix = model_json::text_or(model, "end_of_word_suffix", "");
  o.fuse_unk = model_json::bool_or(model, "fuse_unk", false);
  o.byte_fallback = model_json::bool_or(model, "byte_fallback", false);
  o.ignore_merges = model_json::bool_or(model, "ignore_merges", false);
  if (model["dropout"].get(o.dropout) == simdjson::SUCCESS && o.dropout > 0)
    log::common_warning(
        "tokenizer.json: the BPE dropout of {} is not applied: a text has the same tokens every "
        "time, where the `tokenizers` package cuts it anew",
        o.dropout);
  return std::make_unique<Bpe>(std::move(vocab), std::move(merges), std::move(o));
}

}  // namespace

ModelSpec bpe_spec() { return {.name = "BPE", .read = &read}; }

}  // namespace axl::tokenizer
