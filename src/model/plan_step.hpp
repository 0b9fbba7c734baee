#pragma once
#include "model/decoder.hpp"

namespace axl::model {

/// Forward, loss and, with `backward`, backward of one document of T tokens of which the first
/// `labels` have a label (at least one), run on a counting table and a planning arena: the arena
/// that the same call needs, to the byte, and its work. `dropout`: as in training. `model` may be a
/// plan_only one. Positions below T must have been reserved.
StepPlan plan_step(Decoder& model, std::int64_t T, std::int64_t labels, bool backward);
/// The same for T new tokens of one sequence on top of a cache, and the logits of the last one.
StepPlan plan_generation(Decoder& model, std::int64_t T);

}  // namespace axl::model
