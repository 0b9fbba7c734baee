#include "core/error.hpp"
#include "core/json.hpp"
#include "tokenizer/hash.hpp"
#include "tokenizer/models/model_json.hpp"
#include "tokenizer/models/prefix_tree.hpp"
#include "tokenizer/models/registry.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer {
namespace {

struct Options {
  std::string unk_token;
  std::string prefix;             ///< of every part but the first
  std::int64_t longest_word = 0;  ///< in characters; longer ones are unknown
};

/// BERT's greedy cutting: the longest token first, again and again; a word that cannot be spelled
/// to its end is one unknown token.
class WordPiece final : public Model {
 public:
  WordPiece(Vocab vocab, Options options)
      : vocab_(std::move(vocab)),
        options_(std::move(options)),
        unk_id_(vocab_.find(options_.unk_token)) {
    build_trees();
  }

  void encode(std::string_view piece, Workspace&, std::vector<TokenId>& out) const override {
    if (static_cast<std::int64_t>(unicode::count(piece)) > options_.longest_word) {
      put_unknown(out);
      return;
    }
    const std::size_t before = out.size();
    const char* const end = piece.data() + piece.size();
    for (const char* p = piece.data(); p < end;) {
      std::int32_t id = -1;
      std::uint32_t length = 0;
      const PrefixTree& tree = p == piece.data() ? first_ : later_;
      tree.prefixes(p, end, [&](std::int32_t token, std::uint32_t bytes) {
        id = token;
        length = bytes;
      });
      if (id < 0) {
        out.resize(before);
        put_unknown(out);
        return;
      }
      out.push_back(id);
      p += length;
    }
  }

  const Vocab& vocab() const override { return vocab_; }
  void rename(TokenId id, std::string_view text) override {
    vocab_.rename(id, text);
    build_trees();
  }

  std::uint64_t fingerprint() const override {
    return hash_bytes(options_.unk_token + '\0' + options_.prefix,
                      0x77706965U + static_cast<std::uint64_t>(options_.longest_word));
  }

  std::string json() const override {
    return "{\n    \"type\": \"WordPiece\",\n    \"unk_token\": " +
           json_string(options_.unk_token) +
           ",\n    \"continuing_subword_prefix\": " + json_string(options_.prefix) +
           ",\n    \"max_input_chars_per_word\": " + std::to_string(options_.longest_word) +
           ",\n    \"vocab\": " + model_json::write_vocab(vocab_) + "\n  }";
  }

 private:
  void put_unknown(std::vector<TokenId>& out) const {
    if (unk_id_ < 0)
      throw Error(ErrorCode::data, "a word has no token, and the unknown token '" +
                                       options_.unk_token + "' is not in the vocabulary");
    out.push_back(unk_id_);
  }

  void build_trees() {
    std::vector<PrefixTree::Entry> first, later;
    for (std::int32_t id = 0; id < vocab_.end_id(); ++id) {
      std::string_view text = vocab_.text(id);
      first.push_back({text, id});
      if (!text.starts_with(options_.prefix)) continue;
      text.remove_prefix(options_.prefix.size());
      later.push_back({text, id});
    }
    first_ = PrefixTree(std::move(first));
    later_ = PrefixTree(std::move(later));
  }

  Vocab vocab_;
  Options options_;
  std::int32_t unk_id_;
  PrefixTree first_;  // the tokens a word may begin with
  PrefixTree later_;  // those that may follow, without their prefix
};

std::unique_ptr<Model> read(const simdjson::dom::element& model, std::size_t file_size) {
  Options o;
  o.unk_token = model_json::text_or(model, "unk_token", "[UNK]");
  o.prefix = model_json::text_or(model, "continuing_subword_prefix", "##");
  o.longest_word = model_json::integer_or(model, "max_input_chars_per_word", 100);
  if (o.longest_word < 0)
    throw Error(ErrorCode::input, "'max_input_chars_per_word' must not be negative");
  return std::make_unique<WordPiece>(model_json::read_vocab(model, file_size), std::move(o));
}

}  // namespace

ModelSpec wordpiece_spec() { return {.name = "WordPiece", .read = &read}; }

}  // namespace axl::tokenizer
