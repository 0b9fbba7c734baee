#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "tokenizer/added_tokens.hpp"
#include "tokenizer/models/model.hpp"

namespace axl::tokenizer {

/// The special tokens that every tokenizer may have, as transformers calls them.
inline constexpr const char* kSpecialNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                "pad_token", "cls_token", "mask_token"};

/// Everything a tokenizer is made of, as read from a file and before anything is compiled.
struct TokenizerParts {
  std::unique_ptr<Model> model;
  std::vector<AddedToken> added;  ///< ids are those of the file; -1 = to be given
  nlohmann::ordered_json normalizer;
  nlohmann::ordered_json pre_tokenizer;
  nlohmann::ordered_json post_processor;
  nlohmann::ordered_json decoder;
  nlohmann::ordered_json config = nlohmann::ordered_json::object();  ///< tokenizer_config.json
  std::map<std::string, std::string> special;                        ///< "bos_token" -> "<s>"
  std::string chat_template;
  std::map<std::string, std::string> other_chat_templates;  ///< by name: "tool_use", "rag"
};

/// Reads tokenizer.json. Error{input} names the file, what is wrong, or what is not supported.
TokenizerParts read_tokenizer_json(const std::string& path);
/// Adds what tokenizer_config.json, special_tokens_map.json, added_tokens.json and the chat
/// templates of `folder` say; each may be absent.
void read_tokenizer_config(const std::string& folder, TokenizerParts& parts);
/// The last of these: `chat_template` of parts.config, chat_template.jinja, chat_templates/*.jinja.
void read_chat_templates(const std::string& folder, TokenizerParts& parts);
/// Reads tokenizer.ggml.* of a GGUF file.
TokenizerParts read_gguf_tokenizer(const std::string& path);

/// Reads the bytes of a SentencePiece .model file and the configuration in its folder. Error{input}
/// does not name the file.
void read_sentencepiece(const std::string& bytes, const std::string& folder, TokenizerParts& parts);
/// The same of a tiktoken rank file.
void read_tiktoken(const std::string& bytes, const std::string& folder, TokenizerParts& parts);
bool is_tiktoken(std::string_view bytes);
/// Gives `parts` the post-processor that puts its bos_token before and its eos_token behind a text.
void set_bos_eos_template(bool bos, bool eos, TokenizerParts& parts);

/// tokenizer.json's text of a tokenizer.
std::string write_tokenizer_json(const Model& model, const std::vector<AddedToken>& added,
                                 const TokenizerParts& parts);

}  // namespace axl::tokenizer
