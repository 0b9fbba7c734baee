#include "core/error.hpp"
#include "core/json.hpp"
#include "tokenizer/hash.hpp"
#include "tokenizer/models/model_json.hpp"
#include "tokenizer/models/registry.hpp"

namespace axl::tokenizer {
namespace {

/// One token a word: a piece is in the vocabulary or it is unknown.
class WordLevel final : public Model {
 public:
  WordLevel(Vocab vocab, std::string unk_token)
      : vocab_(std::move(vocab)),
        unk_token_(std::move(unk_token)),
        unk_id_(vocab_.find(unk_token_)) {}

  void encode(std::string_view piece, Workspace&, std::vector<TokenId>& out) const override {
    std::int32_t id = vocab_.find(piece);
    if (id < 0) id = unk_id_;
    if (id < 0)
      throw Error(ErrorCode::data, "a word has no token, and the unknown token '" + unk_token_ +
                                       "' is not in the vocabulary");
    out.push_back(id);
  }

  const Vocab& vocab() const override { return vocab_; }
  void rename(TokenId id, std::string_view text) override { vocab_.rename(id, text); }
  std::uint64_t fingerprint() const override { return hash_bytes(unk_token_, 0x776F7264U); }
  std::string json() const override {
    return "{\n    \"type\": \"WordLevel\",\n    \"unk_token\": " + json_string(unk_token_) +
           ",\n    \"vocab\": " + model_json::write_vocab(vocab_) + "\n  }";
  }

 private:
  Vocab vocab_;
  std::string unk_token_;
  std::int32_t unk_id_;
};

std::unique_ptr<Model> read(const simdjson::dom::element& model, std::size_t file_size) {
  return std::make_unique<WordLevel>(model_json::read_vocab(model, file_size),
                                     model_json::text_or(model, "unk_token", "<unk>"));
}

}  // namespace

ModelSpec wordlevel_spec() { return {.name = "WordLevel", .read = &read}; }

}  // namespace axl::tokenizer
