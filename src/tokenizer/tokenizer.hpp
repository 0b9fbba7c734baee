#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace axl::tokenizer {

using TokenId = std::int32_t;

/// A Hugging Face fast tokenizer (tokenizer.json), or the one of a SentencePiece .model, a tiktoken
/// or a GGUF file. Ids equal those of the `tokenizers` package. Thread-safe for const calls.
class Tokenizer {
 public:
  /// `path`: a model folder, a tokenizer.json, a .model, a .tiktoken, or a .gguf. Error{input} says
  /// what is wrong or which part of the format is not supported.
  static Tokenizer load(const std::string& path);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  std::vector<TokenId> encode(std::string_view text, bool add_special_tokens) const;
  /// Appends to `out`; the form that the data pipeline uses.
  void encode_to(std::string_view text, bool add_special_tokens, std::vector<TokenId>& out) const;
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens) const;

  std::optional<TokenId> token_to_id(std::string_view token) const;
  std::string id_to_token(TokenId id) const;
  std::int64_t vocab_size() const;  ///< highest id + 1, added tokens included
  bool is_added(TokenId id) const;  ///< one of the added tokens, which are no part of the model

  /// Special tokens as tokenizer_config.json / special_tokens_map.json / GGUF metadata name them.
  std::optional<TokenId> bos_id() const;
  std::optional<TokenId> eos_id() const;
  std::optional<TokenId> pad_id() const;
  std::string token_text(const char* name) const;  ///< "bos_token" -> "<s>" or ""
  /// Sets or adds special tokens from the YAML's `special_tokens:` and `tokens:`.
  void set_special_token(const std::string& name, const std::string& token);
  void add_tokens(const std::vector<std::string>& tokens, bool special);
  /// Gives a reserved added token another text (`added_tokens_overrides:`). Error{config} when the
  /// id is no added token's or the text is a token already.
  void override_added_token(TokenId id, const std::string& text);

  /// The tokenizer's own chat template (tokenizer_config.json, chat_template.jinja, GGUF), or "".
  const std::string& chat_template() const;
  /// The one that rows with tools are rendered with: its "tool_use" if it has one beside the above.
  const std::string& tool_chat_template() const;
  /// A new text takes the place of all templates.
  void set_chat_template(std::string text);

  /// XXH3 of everything that decides ids: goes into the prepared dataset's key.
  std::uint64_t fingerprint() const;
  /// Writes tokenizer.json, tokenizer_config.json, special_tokens_map.json and the
  /// chat templates: chat_template.jinja, chat_templates/NAME.jinja.
  void save(const std::string& folder) const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace axl::tokenizer
