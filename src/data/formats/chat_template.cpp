#include <algorithm>
#include <memory>
#include <set>

#include "core/ascii.hpp"
#include "data/chat/characters.hpp"
#include "data/chat/conversation.hpp"
#include "data/chat/renderer.hpp"
#include "data/chat/training_detail.hpp"
#include "data/chat/turn_spans.hpp"
#include "data/format.hpp"
#include "data/token_offsets.hpp"
#include "tokenizer/template_properties.hpp"

// Conversations: rendered by a Jinja template, tokenised once; the turns of the roles to train get
// labels, and so do their end tokens.

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

/// An end token counts for a turn when it stands at most this many tokens after it.
constexpr std::size_t kEndTokenReach = 3;

enum class EndTokens { none, turn, last, all };

EndTokens end_tokens(const std::string& name, const char* key, const UserLocation& where) {
  if (name.empty() || name == "none") return EndTokens::none;
  if (name == "turn") return EndTokens::turn;
  if (name == "last") return EndTokens::last;
  if (name == "all") return EndTokens::all;
  throw Error(ErrorCode::config, std::string(key) + " is '" + name + "'")
      .at(where)
      .hint("allowed: all, turn, last, none");
}

/// Tokens of one span: those that overlap it.
struct TokenSpan {
  std::size_t begin = 0, end = 0;
};

class ChatConverter {
 public:
  explicit ChatConverter(const FormatContext& c)
      : tokenizer_(c.tokenizer),
        dataset_(c.dataset),
        train_on_inputs_(c.config.train_on_inputs),
        renderer_(c),
        source_(renderer_.source()),
        seen_by_axolotl_(tokenizer::message_properties(source_)),
        texts_(c.tokenizer),
        eos_(c.tokenizer.eos_id()),
        on_eos_(end_tokens(c.dataset.train_on_eos, "train_on_eos", c.dataset.where)),
        on_eot_(end_tokens(c.dataset.train_on_eot, "train_on_eot", c.dataset.where)) {
    for (const std::string& role : c.dataset.roles_to_train) roles_to_train_.insert(mapped(role));
    last_turn_only_ = roles_to_train_.empty() && c.dataset.train_on_eos.empty() &&
                      c.dataset.train_on_eot.empty() && c.dataset.message_field_training.empty() &&
                      c.dataset.message_field_training_detail.empty();
    read_end_of_turn_tokens(c);
    const std::string& path =
        c.config.tokenizer_config.empty() ? c.config.base_model : c.config.tokenizer_config;
    no_leading_system_ = ascii_lower(path).find("mistral") != std::string::npos;
  }

  void operator()(const Row& row, std::vector<Sample>& out) const {
    const Conversation conversation = read_conversation(row, dataset_, source_);
    if (conversation.turns.empty()) throw RowError{"the conversation has only a system message"};
    note_losses(conversation, row.notes());
    out.push_back(last_turn_only_ ? label_last_turn(conversation) : label_turns(conversation));
  }

 private:
  std::string mapped(const std::string& role) const {
    for (const auto& [target, names] : dataset_.roles)
      if (std::find(names.begin(), names.end(), role) != names.end()) return target;
    return role;
  }

  void read_end_of_turn_tokens(const FormatContext& c) {
    const std::string eos = tokenizer_.token_text("eos_token");
    const auto warn = [&](std::string text) {
      if (c.warnings) c.warnings->push_back("dataset " + c.dataset.path + ": " + std::move(text));
    };
    std::vector<std::string> tokens = c.config.eot_tokens;
    if (tokens.empty() && !eos.empty()) tokens = {eos};
    if (tokens.size() == 1 && tokens.front() == eos) {
      if (source_.find(eos) == std::string::npos && source_.find("eos_token") == std::string::npos)
        warn("the chat template never writes the EOS token '" + eos +
             "': the end of a turn is not trained; name the template's own end token in "
             "eot_tokens");
      if (eos_) eot_.insert(*eos_);
      return;
    }
    for (const std::string& token : tokens) {
      if (source_.find(token) == std::string::npos) {
        warn("eot_tokens: '" + token + "' does not occur in the chat template and is ignored");
        continue;
      }
      const std::vector<TokenId> ids = tokenizer_.encode(token, false);
      if (ids.size() != 1)
        throw Error(ErrorCode::config, "eot_tokens: '" + token + "' is " +
                                           std::to_string(ids.size()) +
                                           " tokens of this tokenizer, it must be one")
            .at(c.config.at("eot_tokens"))
            .hint("add it under tokens:");
      eot_.insert(ids.front());
      if (token == eos && on_eos_ != on_eot_)
        throw Error(ErrorCode::config,
                    "train_on_eos and train_on_eot differ, but the EOS token is in eot_tokens")
            .at(c.dataset.where);
    }
  }

  std::string render(const json& messages, const json& tools, bool generation_prompt) const {
    return renderer_.render(messages, tools, generation_prompt);
  }

  static json messages_of(const std::vector<Turn>& turns, std::size_t count) {
    json out = json::array();
    for (std::size_t i = 0; i < count; ++i) out.push_back(turns[i].message);
    return out;
  }

  /// roles_to_train and train_on_eos both empty: everything after the last prompt is trained.
  Sample label_last_turn(const Conversation& c) const {
    const std::size_t n = c.turns.size();
    const std::vector<TokenId> prompt =
        tokenizer_.encode(render(messages_of(c.turns, n - 1), nullptr, true), false);
    const std::vector<TokenId> all =
        tokenizer_.encode(render(messages_of(c.turns, n), nullptr, false), false);
    Sample out;
    out.input_ids = prompt;
    if (all.size() > prompt.size())
      out.input_ids.insert(out.input_ids.end(),
                           all.begin() + static_cast<std::ptrdiff_t>(prompt.size()), all.end());
    out.labels = out.input_ids;
    if (!train_on_inputs_)
      std::fill_n(out.labels.begin(), std::min(prompt.size(), out.labels.size()), kIgnore);
    return out;
  }

  /// The text of the conversation without one of its fields; nothing where the template fails then.
  std::optional<std::string> rendered_without(const Conversation& c,
                                              const std::string& field) const {
    json messages = messages_of(c.turns, c.turns.size());
    for (json& message : messages) message.erase(field);
    try {
      return render(messages, field == "tools" ? json(nullptr) : c.tools, false);
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  /// Notes fields that leave no trace in the text, and those that Axolotl would not have passed on.
  void note_losses(const Conversation& c, RowNotes& notes) const {
    std::vector<std::string> fields;
    const auto add = [](std::vector<std::string>& names, const std::string& name) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    const bool has_tools = c.tools.is_array() && !c.tools.empty();
    if (has_tools) fields.emplace_back("tools");
    for (const Turn& turn : c.turns) {
      if (turn.message.size() <= 2) continue;
      for (const auto& [key, value] : turn.message.items())
        if (is_template_field(key) && !(value.is_structured() && value.empty())) add(fields, key);
    }
    if (fields.empty()) return;
    if (last_turn_only_ && has_tools) {  // prompts are rendered without them, as in Axolotl
      note_unread(notes, "tools", c.tools);
      fields.erase(fields.begin());
    }
    std::optional<std::string> whole;
    for (const std::string& field : fields) {
      if (!whole)
        whole = render(messages_of(c.turns, c.turns.size()),
                       last_turn_only_ ? json(nullptr) : c.tools, false);
      if (rendered_without(c, field) == whole)
        note_unread(notes, field, true);
      else if (field != "tools" && field != dataset_.template_thinking_key &&
               !dataset_.message_property_mappings.contains(field) &&
               !seen_by_axolotl_.contains(field))
        notes.only_here.push_back(field);
    }
  }

  bool trainable(const Turn& turn) const {
    if (turn.train) return *turn.train;
    if (turn.detail || !turn.thinking_detail.empty())
      return (turn.detail && !turn.detail->empty()) || !turn.thinking_detail.empty();
    return train_on_inputs_ || roles_to_train_.contains(turn.role());
  }

  Sample label_turns(const Conversation& c) const {
    Render render_messages = [&](const json& messages) { return render(messages, c.tools, false); };
    std::string text = render_messages(messages_of(c.turns, c.turns.size()));
    Sample out;
    tokenizer_.encode_to(text, false, out.input_ids);
    out.labels.assign(out.input_ids.size(), kIgnore);
    auto offsets = texts_.locate(text, out.input_ids);
    if (!offsets) {
      // The tokenizer normalises: look for the turns in what the tokens spell.
      render_messages = [&](const json& messages) {
        return texts_.spell(tokenizer_.encode(render(messages, c.tools, false), false));
      };
      text = texts_.spell(out.input_ids);
      offsets = texts_.locate(text, out.input_ids);
      if (!offsets) throw RowError{"its tokens are not all in the tokenizer's vocabulary"};
    }
    const std::string kept = text;
    const TurnSpans spans(c.turns, std::move(text), render_messages,
                          dataset_.template_thinking_key);
    std::optional<std::size_t> last_eos, last_eot;
    for (std::size_t i = 0; i < c.turns.size(); ++i) {
      const Turn& turn = c.turns[i];
      const bool train = trainable(turn);
      if (!train && on_eos_ != EndTokens::all && on_eot_ != EndTokens::all) continue;
      if (i == 0 && no_leading_system_ && turn.role() == "system") continue;
      const bool thinks = turn.message.contains(dataset_.template_thinking_key);
      const bool detailed = (turn.detail && !turn.detail->empty()) || !turn.thinking_detail.empty();
      const TextSpan span = spans.find(i, detailed && thinks ? SpanOf::content : SpanOf::turn);
      if (span.empty()) continue;
      const TokenSpan tokens = tokens_of(span, *offsets);
      if (train && turn.detail && !turn.detail->empty()) {
        label_detail(kept, span, tokens, *offsets, turn.message.at("content"), *turn.detail, out);
      } else if (train && turn.thinking_detail.empty()) {
        label(tokens, out);
      }
      if (train && !turn.thinking_detail.empty() && thinks) {
        const TextSpan thinking = spans.find(i, SpanOf::thinking);
        if (!thinking.empty())
          label_detail(kept, thinking, tokens_of(thinking, *offsets), *offsets,
                       turn.message.at(dataset_.template_thinking_key), turn.thinking_detail, out);
      }
      const auto close = [&](EndTokens option, auto is_end, std::optional<std::size_t>& last) {
        const std::size_t stop = std::min(out.input_ids.size(), tokens.end + kEndTokenReach + 1);
        for (std::size_t t = tokens.end; t < stop; ++t) {
          if (!is_end(out.input_ids[t])) continue;
          last = t;
          if (option == EndTokens::all || (option == EndTokens::turn && train))
            out.labels[t] = out.input_ids[t];
          return;
        }
      };
      close(
          on_eot_, [&](TokenId id) { return eot_.contains(id); }, last_eot);
      close(
          on_eos_, [&](TokenId id) { return eos_ && id == *eos_; }, last_eos);
    }
    if (on_eot_ == EndTokens::last && last_eot) out.labels[*last_eot] = out.input_ids[*last_eot];
    if (on_eos_ == EndTokens::last && last_eos) out.labels[*last_eos] = out.input_ids[*last_eos];
    return out;
  }

  static TokenSpan tokens_of(const TextSpan& span, const TokenOffsets& offsets) {
    const auto first = std::upper_bound(offsets.end.begin(), offsets.end.end(), span.begin);
    const auto last = std::lower_bound(offsets.begin.begin(), offsets.begin.end(), span.end);
    return {static_cast<std::size_t>(first - offsets.end.begin()),
            static_cast<std::size_t>(last - offsets.begin.begin())};
  }

  static void label(const TokenSpan& tokens, Sample& out) {
    for (std::size_t t = tokens.begin; t < tokens.end; ++t) out.labels[t] = out.input_ids[t];
  }

  static void label_detail(const std::string& text, const TextSpan& span, const TokenSpan& tokens,
                           const TokenOffsets& offsets, const json& content,
                           const std::vector<TrainingDetail>& detail, Sample& out) {
    if (!content.is_string())
      throw RowError{"training detail is given for a content that is not text"};
    // Offsets count from the row's content; the template may have trimmed its start.
    const std::string_view shown = std::string_view(text).substr(span.begin, span.end - span.begin);
    const std::string& whole = content.get_ref<const std::string&>();
    const std::size_t cut = whole.find(shown);
    const std::int64_t skipped =
        cut == std::string::npos
            ? 0
            : static_cast<std::int64_t>(character_count(std::string_view(whole).substr(0, cut)));
    std::vector<std::int64_t> begins;
    std::size_t at = span.begin;
    std::int64_t character = skipped;
    for (std::size_t t = tokens.begin; t < tokens.end; ++t) {
      if (offsets.begin[t] > at) {
        character += static_cast<std::int64_t>(
            character_count(std::string_view(text).substr(at, offsets.begin[t] - at)));
        at = offsets.begin[t];
      }
      begins.push_back(character);
    }
    const std::vector<bool> trained =
        trained_tokens(begins, skipped + static_cast<std::int64_t>(character_count(shown)), detail);
    for (std::size_t t = tokens.begin; t < tokens.end; ++t)
      if (trained[t - tokens.begin]) out.labels[t] = out.input_ids[t];
  }

  const tokenizer::Tokenizer& tokenizer_;
  config::DatasetConfig dataset_;
  bool train_on_inputs_;
  ChatRenderer renderer_;
  const std::string& source_;
  std::set<std::string> seen_by_axolotl_;
  TokenTexts texts_;
  std::optional<TokenId> eos_;
  EndTokens on_eos_, on_eot_;
  std::set<std::string> roles_to_train_;
  std::set<TokenId> eot_;
  bool last_turn_only_ = false;
  bool no_leading_system_ = false;
};

RowConverter chat_template(const FormatContext& c) {
  return [converter = std::make_shared<const ChatConverter>(c)](
             const Row& row, std::vector<Sample>& out) { (*converter)(row, out); };
}

}  // namespace

FormatSpec chat_template_spec() {
  return {"chat_template", "messages[{role, content}], [tools], [system]", false, &chat_template};
}

}  // namespace axl::data
