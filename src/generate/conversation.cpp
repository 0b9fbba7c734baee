#include "generate/conversation.hpp"

#include <utility>

#include "core/json.hpp"
#include "generate/text_stream.hpp"

namespace axl::generate {

using Json = nlohmann::ordered_json;

struct Conversation::Turns {
  std::vector<std::pair<std::string, std::string>> said;  // user, assistant
};

Conversation::Conversation(const tokenizer::Tokenizer& tokenizer, Generator& generator,
                           ConversationOptions options)
    : tokenizer_(tokenizer),
      generator_(generator),
      options_(std::move(options)),
      turns_(std::make_unique<Turns>()) {
  if (!options_.chat_template.empty())
    template_ = std::make_unique<tokenizer::ChatTemplate>(options_.chat_template);
}

Conversation::~Conversation() = default;

void Conversation::reset() { turns_->said.clear(); }

std::vector<TokenId> Conversation::prompt_of(const std::string& text) const {
  if (!template_) return tokenizer_.encode(text, /*add_special_tokens=*/true);
  const auto message = [](const char* role, const std::string& content) {
    return Json{{"role", role}, {"content", content}};
  };
  Json messages = Json::array();
  if (!options_.system.empty()) messages.push_back(message("system", options_.system));
  for (const auto& [user, assistant] : turns_->said) {
    messages.push_back(message("user", user));
    messages.push_back(message("assistant", assistant));
  }
  messages.push_back(message("user", text));
  Json variables;
  for (const auto& [name, value] : options_.template_variables) {
    Json parsed = try_parse_json<Json>(value);
    variables[name] = parsed.is_discarded() ? Json(value) : std::move(parsed);
  }
  for (const char* name : {"bos_token", "eos_token", "pad_token", "unk_token"})
    if (const std::string token = tokenizer_.token_text(name); !token.empty())
      variables[name] = token;
  variables["messages"] = std::move(messages);
  variables["tools"] = nullptr;
  variables["documents"] = nullptr;
  variables["add_generation_prompt"] = true;
  return tokenizer_.encode(template_->render(variables), /*add_special_tokens=*/false);
}

std::string Conversation::say(const std::string& text,
                              const std::function<bool(std::string_view)>& on_text) {
  std::vector<TokenId> prompt = prompt_of(text);
  auto& said = turns_->said;
  const auto has_room = [&] {
    return static_cast<std::int64_t>(prompt.size()) + options_.max_new_tokens <=
           generator_.context();
  };
  while (!has_room() && !said.empty()) {
    said.erase(said.begin());
    ++forgotten_;
    prompt = prompt_of(text);
  }
  TextStream stream(tokenizer_);
  std::string answer;
  const auto give = [&](const std::string& piece) {
    answer += piece;
    return piece.empty() || !on_text || on_text(piece);
  };
  const Request request{.prompt = std::move(prompt),
                        .max_new_tokens = options_.max_new_tokens,
                        .sampling = options_.sampling,
                        .stop_ids = options_.stop_ids};
  last_ = generator_
              .generate(std::span(&request, 1),
                        [&](std::size_t, TokenId token) { return give(stream.add(token)); })
              .front();
  give(stream.finish());
  if (template_) said.emplace_back(text, answer);
  return answer;
}

}  // namespace axl::generate
