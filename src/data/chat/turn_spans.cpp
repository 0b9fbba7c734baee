#include "data/chat/turn_spans.hpp"

#include <algorithm>
#include <array>

#include "data/chat/characters.hpp"

namespace axl::data {
namespace {

using json = nlohmann::ordered_json;

/// Their first and last characters differ: where the text around a turn begins or ends like one of
/// them, the other still shows the border.
constexpr std::array<const char*, 2> kSentinels = {"[[dummy_message]]", "zzdummymessagezz"};

json messages_of(const std::vector<Turn>& turns) {
  json out = json::array();
  for (const Turn& turn : turns) out.push_back(turn.message);
  return out;
}

}  // namespace

TextSpan difference(std::string_view text, std::string_view other) {
  const std::size_t limit = std::min(text.size(), other.size());
  const auto ahead =
      std::mismatch(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(limit), other.begin());
  std::size_t begin = static_cast<std::size_t>(ahead.first - text.begin());
  const auto behind = std::mismatch(
      text.rbegin(), text.rbegin() + static_cast<std::ptrdiff_t>(limit - begin), other.rbegin());
  std::size_t end = text.size() - static_cast<std::size_t>(behind.first - text.rbegin());
  while (begin > 0 && begin < text.size() && is_continuation(text[begin])) --begin;
  while (end < text.size() && is_continuation(text[end])) ++end;
  return {begin, end};
}

TurnSpans::TurnSpans(const std::vector<Turn>& turns, std::string rendered, const Render& render,
                     const std::string& thinking_key)
    : turns_(turns), rendered_(std::move(rendered)), render_(render), thinking_key_(thinking_key) {
  if (!match_scaffolding()) spans_.clear();
}

bool TurnSpans::match_scaffolding() {
  json messages = json::array();
  const std::string sentinel = kSentinels[0];
  for (const Turn& turn : turns_) {
    const auto content = turn.message.find("content");
    if (turn.message.size() != 2 || content == turn.message.end() || !content->is_string())
      return false;
    messages.push_back({{"role", turn.message.at("role")}, {"content", sentinel}});
  }
  const std::string scaffolding = render_(messages);
  std::vector<std::string_view> pieces;
  std::size_t at = 0;
  for (;;) {
    const std::size_t found = scaffolding.find(sentinel, at);
    pieces.push_back(std::string_view(scaffolding).substr(at, found - at));
    if (found == std::string::npos) break;
    at = found + sentinel.size();
  }
  if (pieces.size() != turns_.size() + 1) return false;

  const std::string_view text = rendered_;
  if (!text.starts_with(pieces.front())) return false;
  at = pieces.front().size();
  for (std::size_t i = 0; i < turns_.size(); ++i) {
    const std::string_view content = turns_[i].message.at("content").get_ref<const std::string&>();
    const bool last = i + 1 == turns_.size();
    bool matched = false;
    for (const std::string_view form :
         {content, trimmed(content, true, true), trimmed(content, true, false),
          trimmed(content, false, true), trimmed(content, true, false, "\n"),
          trimmed(content, false, true, "\n")}) {
      const std::string_view rest = text.substr(at);
      if (!rest.starts_with(form) || !rest.substr(form.size()).starts_with(pieces[i + 1])) continue;
      if (last && rest.size() != form.size() + pieces[i + 1].size()) continue;
      spans_.push_back({at, at + form.size()});
      at += form.size() + pieces[i + 1].size();
      matched = true;
      break;
    }
    if (!matched) return false;
  }
  return true;
}

TextSpan TurnSpans::find(std::size_t turn, SpanOf what) const {
  // Without further properties the whole turn is its content.
  if (!spans_.empty() && what != SpanOf::thinking && !spans_[turn].empty()) return spans_[turn];
  return by_difference(turn, what);
}

TextSpan TurnSpans::by_difference(std::size_t turn, SpanOf what) const {
  json messages = messages_of(turns_);
  const json real = messages[turn];
  std::optional<TextSpan> all;
  for (const char* sentinel : kSentinels) {
    json dummy = {{"role", real.at("role")}};
    if (what == SpanOf::thinking) {
      dummy["content"] = real.value("content", json(""));
      if (real.contains(thinking_key_)) dummy[thinking_key_] = sentinel;
    } else {
      dummy["content"] = sentinel;
      if (what == SpanOf::content && real.contains(thinking_key_))
        dummy[thinking_key_] = real.at(thinking_key_);
    }
    messages[turn] = std::move(dummy);
    const std::string text = render_(messages);
    const TextSpan span = difference(rendered_, text);
    if (rendered_ == text) continue;  // the turn is this sentinel itself
    // An empty span counts: Axolotl takes the borders of both, so that an empty turn of a template
    // which writes [ or ] beside it has one character.
    if (!all) all = span;
    all->begin = std::min(all->begin, span.begin);
    all->end = std::max(all->end, span.end);
  }
  return all.value_or(TextSpan{});
}

}  // namespace axl::data
