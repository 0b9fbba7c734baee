#include "core/error.hpp"
#include "tokenizer/hash.hpp"
#include "tokenizer/models/model_json.hpp"
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
        unk_id_(vocab_.find(options_.unk_token)) {}

  void encode(std::string_view piece, Workspace& w, std::vector<TokenId>& out) const override {
    if (static_cast<std::int64_t>(unicode::count(piece)) > options_.longest_word) {
      put_unknown(out);
      return;
    }
    const std::size_t before = out.size();
    for (std::size_t begin = 0; begin < piece.size();) {
      std::size_t end = piece.size();
      const std::int32_t id = longest(piece, begin, end, w.text);
      if (id < 0) {
        out.resize(before);
        put_unknown(out);
        return;
      }
      out.push_back(id);
      begin = end;
    }
  }

  const Vocab& vocab() const override { return vocab_; }
  void rename(TokenId id, std::string_view text) override { vocab_.rename(id, text); }

  std::uint64_t fingerprint() const override {
    return hash_bytes(options_.unk_token + '\0' + options_.prefix,
                      0x77706965U + static_cast<std::uint64_t>(options_.longest_word));
  }

  std::string json() const override {
    return "{\n    \"type\": \"WordPiece\",\n    \"unk_token\": " +
           model_json::json_text(options_.unk_token) +
           ",\n    \"continuing_subword_prefix\": " + model_json::json_text(options_.prefix) +
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

  /// The longest token from `begin`; moves `end` to where it ends. -1 when there is none.
  std::int32_t longest(std::string_view piece, std::size_t begin, std::size_t& end,
                       std::string& text) const {
    text.assign(begin > 0 ? options_.prefix : std::string());
    const std::size_t lead = text.size();
    text += piece.substr(begin);
    while (end > begin) {
      const std::int32_t id = vocab_.find({text.data(), lead + (end - begin)});
      if (id >= 0) return id;
      do {
        --end;
      } while (end > begin && (static_cast<unsigned char>(piece[end]) & 0xC0) == 0x80);
    }
    return -1;
  }

  Vocab vocab_;
  Options options_;
  std::int32_t unk_id_;
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
