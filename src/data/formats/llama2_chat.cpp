#include <algorithm>
#include <memory>

#include "core/json.hpp"
#include "data/chat/characters.hpp"
#include "data/format.hpp"
#include "data/token_offsets.hpp"

// The frame of Llama 2's chat models as Axolotl writes it: a system text always, no blank before
// the first [/INST], answers closed by EOS and followed by the BOS of the next turn, also after the
// last one. Unlike there, rows are not padded, and EOS and BOS are those of the tokenizer.

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view kBegin = "[INST]", kEnd = "[/INST]";
constexpr std::string_view kDefaultSystem =
    "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible, "
    "while being safe. Your answers should not include any harmful, unethical, racist, sexist, "
    "toxic, dangerous, or illegal content. Please ensure that your responses are socially unbiased "
    "and positive in nature.\n\nIf a question does not make any sense, or is not factually "
    "coherent, explain why instead of answering something not correct. If you don't know the "
    "answer to a question, please don't share false information.";

/// Axolotl replaces the token "[" by that with a blank before it, which Llama's own code gives.
/// Both have fixed ids, which mean this in Llama's vocabulary alone.
constexpr TokenId kBracket = 29961, kBracketAfterBlank = 518;

class Llama2Converter {
 public:
  explicit Llama2Converter(const FormatContext& c)
      : tokenizer_(c.tokenizer),
        texts_(c.tokenizer),
        bos_(c.tokenizer.token_text("bos_token")),
        eos_(c.tokenizer.token_text("eos_token")),
        field_(c.dataset.field_messages == "messages" ? "conversations" : c.dataset.field_messages),
        llama_vocabulary_(c.tokenizer.token_to_id("[") == kBracket &&
                          c.tokenizer.token_to_id("\xE2\x96\x81[") == kBracketAfterBlank),
        train_on_inputs_(c.config.train_on_inputs) {
    const auto mapped = [&](const char* target, const char* fallback) {
      const auto it = c.dataset.message_property_mappings.find(target);
      const bool given = it != c.dataset.message_property_mappings.end() && it->second != target;
      return given ? it->second : std::string(fallback);
    };
    from_ = mapped("role", "from");
    value_ = mapped("content", "value");
    if (eos_.empty())
      throw Error(ErrorCode::config, "type llama2_chat needs an EOS token").at(c.dataset.where);
  }

  void operator()(const Row& row, std::vector<Sample>& out) const {
    Sample sample;
    tokenizer_.encode_to(conversation_text(row), true, sample.input_ids);
    label(sample);
    out.push_back(std::move(sample));
  }

 private:
  struct Turn {
    bool asks;
    std::string text;
  };

  std::vector<Turn> read_turns(const Row& row, std::string& system) const {
    const json messages = row.value(field_);
    if (!messages.is_array())
      throw RowError{"column '" + field_ +
                     "' is not a list of messages; columns found: " + row.columns()};
    std::vector<Turn> out;
    for (const json& message : messages) {
      const auto text = [&](const std::string& key) {
        const auto it = message.is_object() ? message.find(key) : message.end();
        if (!message.is_object() || it == message.end() || !it->is_string())
          throw RowError{"a message is not {" + from_ + ", " + value_ + "}"};
        return it->get<std::string>();
      };
      const std::string role = text(from_), value = text(value_);
      const bool first = &message == &messages.front();
      if (role == "system" && first) {
        system = value;
        continue;
      }
      const bool asks = role == "human" || role == "user";
      if (!asks && role != "gpt" && role != "assistant")
        throw RowError{"unknown role '" + role + "': a system message first, then human and gpt"};
      if (out.empty() && !asks) continue;  // an answer without a question
      if (asks != (out.size() % 2 == 0)) throw RowError{"human and gpt do not speak by turns"};
      if (value.find(kEnd) != std::string::npos)
        throw RowError{"a message holds the mark [/INST] itself"};
      out.push_back({asks, std::string(trimmed(value, true, true))});
    }
    if (out.size() % 2 == 1) out.pop_back();  // a question without an answer
    if (out.empty()) throw RowError{"the conversation has no question with an answer"};
    return out;
  }

  std::string conversation_text(const Row& row) const {
    std::string system(kDefaultSystem);
    const std::vector<Turn> turns = read_turns(row, system);
    std::string out = std::string(kBegin) + " <<SYS>>\n" + system + "\n<</SYS>>\n\n";
    for (std::size_t i = 0; i < turns.size(); ++i) {
      if (i > 0) out += std::string(turns[i].asks ? kBegin : kEnd) + " ";
      out += turns[i].text;
      if (i > 0) out += turns[i].asks ? " " : " " + eos_ + bos_;
    }
    return out;
  }

  /// What stands behind [/INST] up to its EOS is trained, and the last BOS.
  void label(Sample& sample) const {
    const std::string text = texts_.spell(sample.input_ids);
    const auto offsets = texts_.locate(text, sample.input_ids);
    if (!offsets) throw RowError{"its tokens are not all in the tokenizer's vocabulary"};
    sample.labels.assign(sample.input_ids.size(), kIgnore);
    const auto train = [&](std::size_t begin, std::size_t end) {
      for (std::size_t t = 0; t < sample.input_ids.size(); ++t)
        if (offsets->begin[t] >= begin && offsets->end[t] <= end)
          sample.labels[t] = sample.input_ids[t];
    };
    if (train_on_inputs_) train(0, text.size());
    for (std::size_t at = text.find(kEnd); at != std::string::npos; at = text.find(kEnd, at + 1)) {
      const std::size_t begin = at + kEnd.size(), eos = text.find(eos_, begin);
      if (eos == std::string::npos) break;
      const std::size_t next = text.find(kBegin, eos);
      train(begin, next == std::string::npos ? text.size() : eos + eos_.size());
    }
    if (!llama_vocabulary_) return;
    for (std::size_t t = 2; t + 2 < sample.input_ids.size(); ++t)
      for (auto* ids : {&sample.input_ids, &sample.labels})
        if ((*ids)[t] == kBracket) (*ids)[t] = kBracketAfterBlank;
  }

  const tokenizer::Tokenizer& tokenizer_;
  TokenTexts texts_;
  std::string bos_, eos_, field_, from_, value_;
  bool llama_vocabulary_, train_on_inputs_;
};

RowConverter llama2_chat(const FormatContext& c) {
  return [converter = std::make_shared<const Llama2Converter>(c)](
             const Row& row, std::vector<Sample>& out) { (*converter)(row, out); };
}

}  // namespace

FormatSpec llama2_chat_spec() {
  return {"llama2_chat", "conversations[{from, value}]", false, &llama2_chat};
}

}  // namespace axl::data
