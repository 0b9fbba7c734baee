#include "tokenizer/tokenizer.hpp"

#include <algorithm>
#include <filesystem>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "tokenizer/hash.hpp"
#include "tokenizer/tokenizer_impl.hpp"
#include "weights/gguf.hpp"

namespace axl::tokenizer {
namespace {

namespace fs = std::filesystem;

/// The file of a folder that holds the tokenizer: the ones that say most come first.
fs::path find_file(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error))
    throw Error(ErrorCode::input, "no such file or folder").at({path.string(), 0, 0, ""});
  if (!fs::is_directory(path, error)) return path;
  for (const char* name :
       {"tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.model"})
    if (is_there(path / name)) return path / name;
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(path, error))
    if (entry.path().extension() == ".gguf" || entry.path().extension() == ".tiktoken")
      others.push_back(entry.path());
  if (others.size() == 1) return others[0];
  throw Error(ErrorCode::input, others.empty()
                                    ? "the folder has no tokenizer.json, tokenizer.model, tiktoken "
                                      "or GGUF file"
                                    : "the folder has no tokenizer.json and several files that may "
                                      "hold a tokenizer; name one of them")
      .at({path.string(), 0, 0, ""})
      .hint("transformers' AutoTokenizer.from_pretrained(...).save_pretrained(...) writes one");
}

/// A SentencePiece or tiktoken file with the configuration beside it.
TokenizerParts read_model_file(const fs::path& file, const std::string& folder) {
  const std::string bytes = read_input(file);
  TokenizerParts parts;
  parts.config["clean_up_tokenization_spaces"] = false;
  try {
    (is_tiktoken(bytes) ? read_tiktoken : read_sentencepiece)(bytes, folder, parts);
  } catch (Error& e) {
    if (!e.where().file.empty()) throw;
    throw Error(e.code(), e.message()).at({file.string(), 0, 0, ""}).hint(e.hint());
  }
  return parts;
}

/// Tokens that a file names by id are special ones also where its vocabulary lists them as plain
/// pieces: so transformers takes them, and so a saved copy is read (tokenizer_config.cpp).
TokenizerParts with_named_tokens(TokenizerParts parts) {
  for (const char* name : kSpecialNames) {
    const auto named = parts.special.find(name);
    if (named == parts.special.end() || named->second.empty()) continue;
    const auto same = [&](const AddedToken& t) { return t.content == named->second; };
    if (std::any_of(parts.added.begin(), parts.added.end(), same)) continue;
    AddedToken t;
    t.content = named->second;
    t.special = true;
    t.normalized = false;
    parts.added.push_back(std::move(t));
  }
  return parts;
}

TokenizerParts read_parts(const std::string& path) {
  const fs::path file = find_file(path);
  if (file.extension() == ".gguf" || weights::is_gguf(file.string()))
    return with_named_tokens(read_gguf_tokenizer(file.string()));
  const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
  if (file.extension() == ".model" || file.extension() == ".tiktoken")
    return with_named_tokens(read_model_file(file, folder));
  TokenizerParts parts = read_tokenizer_json(file.string());
  read_tokenizer_config(folder, parts);
  return parts;
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::string& path) {
  TokenizerParts parts = read_parts(path);
  try {
    return Tokenizer(std::make_unique<Impl>(std::move(parts)));
  } catch (Error& e) {
    if (!e.where().file.empty()) throw;
    throw Error(e.code(), e.message()).at({path, 0, 0, ""}).hint(e.hint());
  }
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  std::vector<TokenId> out;
  encode_to(text, add_special_tokens, out);
  return out;
}

void Tokenizer::encode_to(std::string_view text, bool add_special_tokens,
                          std::vector<TokenId>& out) const {
  impl_->encode(text, add_special_tokens, out);
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skip_special_tokens) const {
  return impl_->decode(ids, skip_special_tokens);
}

std::optional<TokenId> Tokenizer::token_to_id(std::string_view token) const {
  if (const AddedToken* t = impl_->added.find_by_content(token)) return t->id;
  const TokenId id = impl_->model->vocab().find(token);
  return id < 0 ? std::nullopt : std::optional<TokenId>(id);
}

std::string Tokenizer::id_to_token(TokenId id) const {
  if (const AddedToken* t = impl_->added.find_id(id)) return t->shown;
  return std::string(impl_->model->vocab().text(id));
}

std::int64_t Tokenizer::vocab_size() const { return impl_->end_id(); }
bool Tokenizer::is_added(TokenId id) const { return impl_->added.find_id(id) != nullptr; }

std::string Tokenizer::token_text(const char* name) const {
  const auto it = impl_->parts.special.find(name);
  return it == impl_->parts.special.end() ? "" : it->second;
}

std::optional<TokenId> Tokenizer::bos_id() const {
  const std::string text = token_text("bos_token");
  return text.empty() ? std::nullopt : token_to_id(text);
}
std::optional<TokenId> Tokenizer::eos_id() const {
  const std::string text = token_text("eos_token");
  return text.empty() ? std::nullopt : token_to_id(text);
}
std::optional<TokenId> Tokenizer::pad_id() const {
  const std::string text = token_text("pad_token");
  return text.empty() ? std::nullopt : token_to_id(text);
}

void Tokenizer::set_special_token(const std::string& name, const std::string& token) {
  if (token.empty()) {
    impl_->parts.special.erase(name);
    impl_->parts.config.erase(name);
    return;
  }
  impl_->parts.special[name] = token;
  impl_->parts.config[name] = token;
  add_tokens({token}, true);
}

void Tokenizer::add_tokens(const std::vector<std::string>& tokens, bool special) {
  for (const std::string& text : tokens) {
    AddedToken t;
    if (const AddedToken* known = impl_->added.find_by_content(text)) {
      if (known->special || !special) continue;
      t = *known;
    }
    t.content = text;
    t.special = special;
    t.normalized = false;  // as Axolotl adds them: found in the text as it stands
    impl_->add_token(std::move(t));
  }
}

void Tokenizer::override_added_token(TokenId id, const std::string& text) {
  const AddedToken* known = impl_->added.find_id(id);
  if (known == nullptr)
    throw Error(ErrorCode::config, "the token id " + std::to_string(id) + " is no added token's");
  const std::string before = known->content;
  if (text == before) return;
  if (text.empty() || token_to_id(text))
    throw Error(ErrorCode::config, text.empty() ? std::string("a token's text must not be empty")
                                                : "'" + text + "' is a token already");
  impl_->added.rename(id, text, impl_->normalizer);
  if (impl_->model->vocab().find(before) == id) impl_->model->rename(id, text);
  for (auto& [name, token] : impl_->parts.special)
    if (token == before) set_special_token(name, text);
  impl_->scratch.clear();
}

const std::string& Tokenizer::chat_template() const { return impl_->parts.chat_template; }
const std::string& Tokenizer::tool_chat_template() const {
  const auto it = impl_->parts.other_chat_templates.find("tool_use");
  return it == impl_->parts.other_chat_templates.end() ? chat_template() : it->second;
}
void Tokenizer::set_chat_template(std::string text) {
  if (text != impl_->parts.chat_template) impl_->parts.other_chat_templates.clear();
  impl_->parts.chat_template = std::move(text);
}

std::uint64_t Tokenizer::fingerprint() const {
  const Impl& t = *impl_;
  std::uint64_t h = 0;
  const auto text = [&](std::string_view s) { h = hash_bytes(s, h + s.size()); };
  const auto number = [&](std::int64_t n) { text({reinterpret_cast<const char*>(&n), sizeof n}); };
  const Vocab& vocab = t.model->vocab();
  for (std::int32_t id = 0; id < vocab.end_id(); ++id) {
    if (vocab.contains_id(id)) text(vocab.text(id));
    number(id);
  }
  number(static_cast<std::int64_t>(t.model->fingerprint()));
  for (const AddedToken& a : t.added.all()) {
    text(a.content);
    number(a.id);
    number(a.single_word + 2 * a.lstrip + 4 * a.rstrip + 8 * a.normalized + 16 * a.special);
  }
  for (const auto* spec : {&t.parts.normalizer, &t.parts.pre_tokenizer, &t.parts.post_processor})
    text(spec->dump());
  for (const auto& [name, token] : t.parts.special) text(name + "=" + token);
  return h;
}

}  // namespace axl::tokenizer
