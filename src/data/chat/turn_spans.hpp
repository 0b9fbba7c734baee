#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/chat/conversation.hpp"

namespace axl::data {

/// Bytes [begin, end) of a rendered conversation.
struct TextSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool empty() const { return end <= begin; }
};

/// Renders messages (a JSON list) as text.
using Render = std::function<std::string(const nlohmann::ordered_json& messages)>;

/// Which part of a message a span covers.
enum class SpanOf { turn, content, thinking };

/// Finds where each turn's own text lies in the rendered conversation.
///
/// The definition is Axolotl's: replace the turn by one of the same role whose content is a
/// sentinel; what then differs is the turn. That takes renderings for every turn. When all turns
/// have nothing but role and content, one rendering with a sentinel in every turn shows the
/// template's scaffolding; if the real text is that scaffolding with the contents in its gaps, the
/// gaps are the spans: two renderings for a conversation of any length.
class TurnSpans {
 public:
  TurnSpans(const std::vector<Turn>& turns, std::string rendered, const Render& render,
            const std::string& thinking_key);
  /// Empty when the turn leaves no trace in the text.
  TextSpan find(std::size_t turn, SpanOf what) const;
  bool from_one_rendering() const { return !spans_.empty(); }

 private:
  bool match_scaffolding();
  TextSpan by_difference(std::size_t turn, SpanOf what) const;

  const std::vector<Turn>& turns_;
  std::string rendered_;
  const Render& render_;
  const std::string& thinking_key_;
  std::vector<TextSpan> spans_;
};

/// The part of `text` that differs from `other`: without the common start and end, widened to
/// whole characters.
TextSpan difference(std::string_view text, std::string_view other);

}  // namespace axl::data
