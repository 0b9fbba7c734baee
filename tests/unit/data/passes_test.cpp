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
  for (const StoredRow& row : store.rows) rows.push_back(store.row(row));
  write_prepared_file(folder.path("rows"), rows, 1);
  return PreparedDataset::open(folder.path("rows"));
}

TEST(Passes, TakeDocumentsInOrderWhileTheyFit) {
  const testing::TemporaryFolder folder;
  const PreparedDataset dataset = rows_of(folder, {200, 312, 1, 700, 600, 10, 20});
  const auto lengths = [&](const std::vector<std::int64_t>& rows) {
    const MicroBatch whole = make_micro_batch(dataset, rows);
    std::vector<std::vector<std::int32_t>> out;
    MicroBatch joined;
    for (const MicroBatch& pass : split_into_passes(whole)) {
      out.emplace_back(pass.cu_seqlens.begin() + 1, pass.cu_seqlens.end());
      EXPECT_EQ(pass.cu_seqlens.front(), 0);
      joined.label_tokens += pass.label_tokens;
      const auto append = [](auto& to, const auto& from) {
        to.insert(to.end(), from.begin(), from.end());
      };
      append(joined.input_ids, pass.input_ids);
      append(joined.targets, pass.targets);
      append(joined.positions, pass.positions);
    }
    EXPECT_EQ(joined.input_ids, whole.input_ids);
    EXPECT_EQ(joined.targets, whole.targets);
    EXPECT_EQ(joined.positions, whole.positions);
    EXPECT_EQ(joined.label_tokens, whole.label_tokens);
    return out;
  };
  using Ends = std::vector<std::vector<std::int32_t>>;
  EXPECT_EQ(lengths({0, 1, 2, 3, 4, 5, 6}), (Ends{{200, 512}, {1}, {700}, {600}, {10, 30}}));
  EXPECT_EQ(lengths({6, 0}), (Ends{{20, 220}}));
  EXPECT_TRUE(lengths({}).empty());
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
