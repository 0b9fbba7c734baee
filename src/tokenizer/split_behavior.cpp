#include "tokenizer/split_behavior.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace axl::tokenizer {
namespace {

struct Part {
  Span span;
  bool match;
};

/// Joins each first match of a run to the part that was seen before it.
std::vector<Span> join_matches(const std::vector<Part>& parts, bool reverse) {
  std::vector<Span> out;
  bool previous = false;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const Part& p = parts[reverse ? parts.size() - 1 - k : k];
    if (p.match && !previous && !out.empty()) {
      if (reverse) {
        out.back().begin = p.span.begin;
      } else {
        out.back().end = p.span.end;
      }
    } else {
      out.push_back(p.span);
    }
    previous = p.match;
  }
  if (reverse) std::reverse(out.begin(), out.end());
  return out;
}

std::vector<Span> join_equals(const std::vector<Part>& parts) {
  std::vector<Span> out;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    if (k > 0 && parts[k].match == parts[k - 1].match) {
      out.back().end = parts[k].span.end;
    } else {
      out.push_back(parts[k].span);
    }
  }
  return out;
}

}  // namespace

SplitBehavior parse_split_behavior(std::string_view name) {
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  throw Error(ErrorCode::input, "unknown split behavior '" + std::string(name) + "'")
      .hint("known: Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
}

void split_at(Span piece, const std::vector<Span>& matches, SplitBehavior behavior, bool invert,
              std::vector<Span>& out) {
  const auto put = [&](Span s) {
    if (s.begin < s.end) out.push_back(s);
  };
  std::uint32_t at = piece.begin;
  if (behavior == SplitBehavior::isolated || behavior == SplitBehavior::removed) {
    const bool keep_matches = behavior == SplitBehavior::isolated || invert;
    const bool keep_gaps = behavior == SplitBehavior::isolated || !invert;
    for (const Span& m : matches) {
      if (keep_gaps) put({at, m.begin});
      if (keep_matches) put(m);
      at = m.end;
    }
    if (keep_gaps) put({at, piece.end});
    return;
  }
  std::vector<Part> parts;
  for (const Span& m : matches) {
    if (at < m.begin) parts.push_back({{at, m.begin}, invert});
    parts.push_back({m, !invert});
    at = m.end;
  }
  if (at < piece.end) parts.push_back({{at, piece.end}, invert});
  const std::vector<Span> joined =
      behavior == SplitBehavior::contiguous
          ? join_equals(parts)
          : join_matches(parts, behavior == SplitBehavior::merged_with_next);
  for (const Span& s : joined) put(s);
}

}  // namespace axl::tokenizer
