#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "generate/generator.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::generate {

struct ConversationOptions {
  std::string chat_template;  ///< Jinja text; "": prompts are taken as they are
  std::map<std::string, std::string> template_variables;  ///< chat_template_kwargs, JSON text
  std::string system;                                     ///< "": no system message
  std::int64_t max_new_tokens = 256;
  SamplingOptions sampling;
  std::vector<TokenId> stop_ids;
};

/// Turns of user and assistant with one model. Without a template every turn stands for itself.
class Conversation {
 public:
  /// The tokenizer and the generator are borrowed.
  Conversation(const tokenizer::Tokenizer& tokenizer, Generator& generator,
               ConversationOptions options);
  ~Conversation();
  /// Answers `text`; `on_text` gets the answer piece by piece as it is made and may return false to
  /// end it. The turn is remembered. Where the context is full the oldest turns are forgotten.
  std::string say(const std::string& text, const std::function<bool(std::string_view)>& on_text);
  void reset();  ///< forgets all turns
  const Answer& last() const { return last_; }
  std::int64_t forgotten_turns() const { return forgotten_; }

 private:
  struct Turns;
  std::vector<TokenId> prompt_of(const std::string& text) const;
  const tokenizer::Tokenizer& tokenizer_;
  Generator& generator_;
  ConversationOptions options_;
  std::unique_ptr<tokenizer::ChatTemplate> template_;
  std::unique_ptr<Turns> turns_;
  Answer last_;
  std::int64_t forgotten_ = 0;
};

}  // namespace axl::generate
