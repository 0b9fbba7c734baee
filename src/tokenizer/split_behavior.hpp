#pragma once
#include <string_view>
#include <vector>

#include "tokenizer/regex.hpp"

namespace axl::tokenizer {

/// What becomes of the matches of a Split: a piece of its own, dropped, or joined to a neighbour.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// "Isolated", "Removed", ...; Error{input} names the known ones.
SplitBehavior parse_split_behavior(std::string_view name);

/// Cuts `piece` at `matches` (ascending, disjoint) and appends the non-empty parts to `out`. With
/// `invert` the stretches between the matches play the matches' role.
void split_at(Span piece, const std::vector<Span>& matches, SplitBehavior behavior, bool invert,
              std::vector<Span>& out);

}  // namespace axl::tokenizer
