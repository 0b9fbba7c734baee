#pragma once
#include <span>
#include <vector>

#include "data/chat/conversation.hpp"

namespace axl::data {

/// Which tokens of a text are trained. `begins[i]` is the character where token i begins (relative
/// to the text; negative when it begins before), `characters` the text's length. Ranges are snapped
/// outwards to the tokens that they cut, as Axolotl does: a token that begins before a range's last
/// character belongs to it, one that begins at it and reaches beyond does not.
std::vector<bool> trained_tokens(std::span<const std::int64_t> begins, std::int64_t characters,
                                 std::span<const TrainingDetail> detail);

}  // namespace axl::data
