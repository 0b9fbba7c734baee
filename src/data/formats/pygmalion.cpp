
#include "core/json.hpp"
#include "data/chat/characters.hpp"
#include "data/format.hpp"
#include "data/text_tokens.hpp"

// Pygmalion's role play: every turn is tokenised on its own, the bot's words are trained.

namespace axl::data {
namespace {

constexpr std::string_view kStart = "\n<START>";

RowConverter pygmalion(const FormatContext& c) {
  std::vector<TokenId> bot_prefix;
  append_piece(c.tokenizer, "<|model|>", {.max_length = c.sequence_len, .strip_bos = true},
               bot_prefix);
  return [&tokenizer = c.tokenizer, length = c.sequence_len, prefix = bot_prefix.size()](
             const Row& row, std::vector<Sample>& out) {
    const nlohmann::ordered_json turns = row.value("conversations");
    if (!turns.is_array())
      throw RowError{"column 'conversations' is not a list; columns found: " + row.columns()};
    Sample sample;
    for (const auto& turn : turns) {
      if (!turn.is_object() || !turn.contains("role") || !turn["role"].is_string() ||
          !turn.contains("value") || !turn["value"].is_string())
        throw RowError{"a turn is not {role: system, human or bot, value: text}"};
      const auto& role = turn["role"].get_ref<const std::string&>();
      std::string text = turn["value"].get<std::string>();
      const std::size_t begin = sample.input_ids.size();
      if (role == "system") {
        if (text.ends_with(kStart)) text.resize(text.size() - kStart.size());
        sample.lost_tokens +=
            append_piece(tokenizer, "<|system|>Persona: " + std::string(trimmed(text, true, true)),
                         {.max_length = length}, sample.input_ids);
      } else if (role == "human") {
        sample.lost_tokens +=
            append_piece(tokenizer, "<|user|> " + std::string(trimmed(text, true, true)),
                         {.max_length = length, .strip_bos = true}, sample.input_ids);
      } else if (role == "bot") {
        sample.lost_tokens += append_piece(
            tokenizer, "<|model|> " + std::string(trimmed(text, true, true)),
            {.max_length = length, .add_eos = true, .strip_bos = true}, sample.input_ids);
      } else {
        throw RowError{"unknown role '" + role + "': system, human and bot are known"};
      }
      sample.labels.resize(sample.input_ids.size(), kIgnore);
      if (role != "bot") continue;
      for (std::size_t i = begin + prefix; i < sample.input_ids.size(); ++i)
        sample.labels[i] = sample.input_ids[i];
    }
    out.push_back(std::move(sample));
  };
}

}  // namespace

FormatSpec pygmalion_spec() {
  return {"pygmalion", "conversations[{role: system, human or bot, value}]", false, &pygmalion};
}

}  // namespace axl::data
