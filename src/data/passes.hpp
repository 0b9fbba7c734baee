#pragma once
#include <cstdint>
#include <vector>

#include "data/batch_plan.hpp"

namespace axl::data {

/// A micro-batch goes through the model in passes of at most so many tokens (a longer row is a pass
/// of its own). Gradients add up, so nothing but memory depends on it: activations are those of one
/// pass. Products of 512 rows already reach the full rate of a CPU (perf/results).
inline constexpr std::int64_t kTokensPerPass = 512;

/// The documents of a micro-batch, cut in their order; pairs stay together.
std::vector<MicroBatch> split_into_passes(const MicroBatch& batch,
                                          RowLayout layout = RowLayout::document);

/// Tokens of the longest document.
std::int64_t longest_document(const MicroBatch& batch);

/// The most tokens that a pass of `plan` over `dataset` may have: bound for the activation arena.
std::int64_t max_tokens_per_pass(const BatchPlan& plan, const PreparedDataset& dataset);
/// The same of documents of at most `longest` tokens in micro-batches of at most `micro_batch`.
std::int64_t max_tokens_per_pass(std::int64_t longest, std::int64_t micro_batch);

}  // namespace axl::data
