#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace axl {

/// Optimal string alignment distance (Levenshtein with adjacent transpositions), in characters.
int edit_distance(std::string_view a, std::string_view b);

/// The known name nearest to `name`, or "" when none is near enough to be what was meant
/// (distance at most 2, or a third of the name's length for long names).
std::string nearest(std::string_view name, const std::vector<std::string>& known);

}  // namespace axl
