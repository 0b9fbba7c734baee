#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/error.hpp"
#include "data/chat_template_choice.hpp"
#include "data/prepare.hpp"
#include "hub/snapshot.hpp"

namespace axl::data {

tokenizer::Tokenizer load_tokenizer(const config::Config& config) {
  tokenizer::Tokenizer tokenizer = tokenizer::Tokenizer::load(
      hub::model_folder(config.tokenizer_source(), hub::ModelPart::tokenizer));
  for (const auto& [id, text] : config.added_tokens_overrides)
    tokenizer.override_added_token(static_cast<tokenizer::TokenId>(std::stol(id)), text);
  for (const auto& [name, token] : config.special_tokens) tokenizer.set_special_token(name, token);
  if (!config.additional_special_tokens.empty())
    tokenizer.add_tokens(config.additional_special_tokens, true);
  if (!config.tokens.empty()) tokenizer.add_tokens(config.tokens, false);
  if (!config.chat_template.empty())
    tokenizer.set_chat_template(chat_template_text(config.chat_template, config.chat_template_jinja,
                                                   config.default_system_message, tokenizer,
                                                   config.at("chat_template")));
  return tokenizer;
}

}  // namespace axl::data
