#include "data/passes.hpp"

#include <algorithm>

namespace axl::data {

std::vector<std::vector<std::int64_t>> split_into_passes(const std::vector<std::int64_t>& rows,
                                                         const PreparedDataset& dataset) {
  std::vector<std::vector<std::int64_t>> passes;
  std::int64_t tokens = 0;
  for (const std::int64_t row : rows) {
    const std::int64_t length = dataset.length(row);
    if (passes.empty() || tokens + length > kTokensPerPass) {
      passes.emplace_back();
      tokens = 0;
    }
    passes.back().push_back(row);
    tokens += length;
  }
  return passes;
}

std::int64_t max_tokens_per_pass(const BatchPlan& plan, const PreparedDataset& dataset) {
  std::int64_t longest = 0;
  for (std::int64_t row = 0; row < dataset.rows(); ++row)
    longest = std::max(longest, dataset.length(row));
  return std::min(plan.max_tokens_per_micro_batch(), std::max(longest, kTokensPerPass));
}

}  // namespace axl::data
