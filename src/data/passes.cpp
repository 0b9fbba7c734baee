#include "data/passes.hpp"

#include <algorithm>

namespace axl::data {

namespace {

/// Documents [first, last) of a micro-batch.
MicroBatch part_of(const MicroBatch& batch, std::size_t first, std::size_t last) {
  const std::ptrdiff_t begin = batch.cu_seqlens[first], end = batch.cu_seqlens[last];
  const auto cut = [&](const auto& all) {
    return std::decay_t<decltype(all)>(all.begin() + begin, all.begin() + end);
  };
  MicroBatch out;
  out.input_ids = cut(batch.input_ids);
  out.targets = cut(batch.targets);
  out.positions = cut(batch.positions);
  for (std::size_t d = first; d <= last; ++d)
    out.cu_seqlens.push_back(batch.cu_seqlens[d] - batch.cu_seqlens[first]);
  out.label_tokens =
      std::count_if(out.targets.begin(), out.targets.end(), [](TokenId t) { return t != kIgnore; });
  return out;
}

}  // namespace

std::vector<MicroBatch> split_into_passes(const MicroBatch& batch, RowLayout layout) {
  std::vector<MicroBatch> passes;
  const std::size_t together = layout == RowLayout::pair ? 2 : 1;
  const std::size_t documents = batch.cu_seqlens.empty() ? 0 : batch.cu_seqlens.size() - 1;
  for (std::size_t first = 0, last = 0; first < documents; first = last) {
    const std::int64_t begin = batch.cu_seqlens[first];
    last = first + together;
    while (last < documents && batch.cu_seqlens[last + together] - begin <= kTokensPerPass)
      last += together;
    passes.push_back(part_of(batch, first, last));
  }
  return passes;
}

std::int64_t longest_document(const MicroBatch& batch) {
  std::int64_t longest = 0;
  for (std::size_t d = 1; d < batch.cu_seqlens.size(); ++d)
    longest = std::max<std::int64_t>(longest, batch.cu_seqlens[d] - batch.cu_seqlens[d - 1]);
  return longest;
}

std::int64_t max_tokens_per_pass(std::int64_t longest, std::int64_t micro_batch) {
  return std::min(micro_batch, std::max(longest, kTokensPerPass));
}

std::int64_t max_tokens_per_pass(const BatchPlan& plan, const PreparedDataset& dataset) {
  std::int64_t longest = 0;
  for (std::int64_t row = 0; row < dataset.rows(); ++row)
    longest = std::max(longest, dataset.length(row));
  return max_tokens_per_pass(longest, plan.max_tokens_per_micro_batch());
}

}  // namespace axl::data
