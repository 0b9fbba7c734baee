#include "data/passes.hpp"

#include <gtest/gtest.h>

#include "data/prepared_file.hpp"
#include "temporary_folder.hpp"

namespace axl::data {
namespace {

/// Rows of these lengths, every token a label.
PreparedDataset rows_of(const testing::TemporaryFolder& folder,
                        const std::vector<std::size_t>& lengths) {
  TokenStore store;
  for (const std::size_t length : lengths) {
    Sample s;
    s.input_ids.assign(length, 7);
    s.labels = s.input_ids;
    store.add(s);
  }
  std::vector<PreparedRow> rows;
  for (const StoredRow& row : store.rows)
    rows.push_back({store.tokens_of(row), store.runs_of(row)});
  write_prepared_file(folder.path("rows"), rows, 1);
  return PreparedDataset::open(folder.path("rows"));
}

using Passes = std::vector<std::vector<std::int64_t>>;

TEST(Passes, TakeRowsInOrderWhileTheyFit) {
  const testing::TemporaryFolder folder;
  const PreparedDataset dataset = rows_of(folder, {200, 312, 1, 700, 600, 10, 20});
  EXPECT_EQ(split_into_passes({0, 1, 2, 3, 4, 5, 6}, dataset),
            (Passes{{0, 1}, {2}, {3}, {4}, {5, 6}}));
  EXPECT_EQ(split_into_passes({6, 0}, dataset), (Passes{{6, 0}}));
  EXPECT_TRUE(split_into_passes({}, dataset).empty());
}

TEST(Passes, BoundIsTheLongestRowOrThePassOrTheMicroBatch) {
  const auto bound = [](const std::vector<std::size_t>& lengths, std::int64_t micro_batch_size) {
    const testing::TemporaryFolder folder;
    const PreparedDataset dataset = rows_of(folder, lengths);
    const BatchPlan plan(dataset.lengths(),
                         {.micro_batch_size = micro_batch_size, .sequence_len = 2048});
    return max_tokens_per_pass(plan, dataset);
  };
  EXPECT_EQ(bound({100, 90, 30}, 2), 190);
  EXPECT_EQ(bound({400, 390, 30}, 2), kTokensPerPass);
  EXPECT_EQ(bound({1400, 390, 30}, 2), 1400);
}

}  // namespace
}  // namespace axl::data
