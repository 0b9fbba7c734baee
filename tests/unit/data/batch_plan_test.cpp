#include "data/batch_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "data/prepared_file.hpp"
#include "temporary_folder.hpp"

namespace axl::data {
namespace {

std::vector<std::int32_t> random_lengths(std::size_t n, std::int32_t longest, std::uint64_t seed) {
  std::vector<std::int32_t> out(n);
  for (std::size_t i = 0; i < n; ++i)
    out[i] = 2 + static_cast<std::int32_t>(
                     random_below(static_cast<std::uint64_t>(longest) - 1, seed, 7, i));
  return out;
}

/// Rows of one step in the order of (micro, rank): how they stand in the epoch.
std::vector<std::int64_t> step_rows(const BatchPlan& plan, std::int64_t step) {
  std::vector<std::int64_t> out;
  for (std::int64_t m = 0; m < plan.options().gradient_accumulation_steps; ++m)
    for (std::int64_t r = 0; r < plan.options().world_size; ++r)
      for (const std::int64_t row : plan.rows(step, r, m)) out.push_back(row);
  return out;
}

TEST(BatchPlan, StepsAreAsInTransformers) {
  BatchPlan plan(random_lengths(974, 512, 1),
                 {.micro_batch_size = 2, .gradient_accumulation_steps = 2});
  EXPECT_EQ(plan.steps_per_epoch(), 244);
  EXPECT_EQ(plan.total_steps(), 244);
  EXPECT_NEAR(plan.epoch_at(1), 1.0 / 243.5, 1e-12);
  EXPECT_DOUBLE_EQ(plan.epoch_at(244), 1.0);
}

TEST(BatchPlan, FractionalEpochsRoundUpAndMaxStepsWins) {
  const auto lengths = random_lengths(100, 64, 2);
  EXPECT_EQ(BatchPlan(lengths, {.micro_batch_size = 4, .num_epochs = 0.5}).total_steps(), 13);
  EXPECT_EQ(BatchPlan(lengths, {.micro_batch_size = 4, .num_epochs = 3}).total_steps(), 75);
  EXPECT_EQ(
      BatchPlan(lengths, {.micro_batch_size = 4, .num_epochs = 3, .max_steps = 7}).total_steps(),
      7);
  EXPECT_EQ(BatchPlan(random_lengths(30, 64, 2), {.num_epochs = 0.1}).total_steps(), 3);
}

TEST(BatchPlan, SequentialIsFileOrder) {
  BatchPlan plan(random_lengths(11, 64, 3),
                 {.micro_batch_size = 2, .gradient_accumulation_steps = 2, .sequential = true});
  EXPECT_EQ(plan.rows(0, 0, 0), (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(plan.rows(0, 0, 1), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(plan.rows(2, 0, 0), (std::vector<std::int64_t>{8, 9}));
  EXPECT_EQ(plan.rows(2, 0, 1), (std::vector<std::int64_t>{10}));
  EXPECT_EQ(plan.rows(3, 0, 0), (std::vector<std::int64_t>{0, 1}));  // the next epoch
}

TEST(BatchPlan, EveryEpochReadsEveryRowOnceForManySizes) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto pick = [&](std::uint64_t i, std::int64_t most) {
      return static_cast<std::int64_t>(random_below(static_cast<std::uint64_t>(most), seed, 3, i)) +
             1;
    };
    const std::size_t n = static_cast<std::size_t>(pick(0, 300));
    BatchPlanOptions o;
    o.micro_batch_size = pick(1, 5);
    o.gradient_accumulation_steps = pick(2, 5);
    o.world_size = pick(3, 5);
    o.sequence_len = 64 + pick(4, 500);
    o.sample_packing = seed % 2 == 0;
    o.sequential = seed % 5 == 0;
    o.group_size = seed % 3 == 0 ? 50 : 100000;
    o.seed = static_cast<std::int64_t>(seed);
    const auto lengths = random_lengths(n, 64, seed);
    BatchPlan plan(lengths, o);
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
      std::multiset<std::int64_t> seen;
      for (std::int64_t s = 0; s < plan.steps_per_epoch(); ++s) {
        const auto rows = step_rows(plan, epoch * plan.steps_per_epoch() + s);
        EXPECT_FALSE(rows.empty()) << "a step without rows";
        seen.insert(rows.begin(), rows.end());
        for (std::int64_t r = 0; r < o.world_size; ++r)
          for (std::int64_t m = 0; m < o.gradient_accumulation_steps; ++m) {
            std::int64_t tokens = 0;
            for (const std::int64_t row : plan.rows(epoch * plan.steps_per_epoch() + s, r, m))
              tokens += lengths[static_cast<std::size_t>(row)];
            EXPECT_LE(tokens, plan.max_tokens_per_micro_batch());
          }
      }
      ASSERT_EQ(seen.size(), n);
      EXPECT_EQ(std::set<std::int64_t>(seen.begin(), seen.end()).size(), n);
    }
    EXPECT_GT(plan.packing_efficiency(), 0.0);
    EXPECT_LE(plan.packing_efficiency(), 1.0);
  }
}

TEST(BatchPlan, AccumulationAndRanksReadTheSameRowsInEveryStep) {
  for (const bool packing : {false, true}) {
    const auto lengths = random_lengths(257, 128, 9);
    BatchPlanOptions one{.micro_batch_size = 2,
                         .gradient_accumulation_steps = 4,
                         .world_size = 1,
                         .sequence_len = 256,
                         .sample_packing = packing};
    BatchPlanOptions four = one;
    four.gradient_accumulation_steps = 1;
    four.world_size = 4;
    BatchPlanOptions two = one;
    two.gradient_accumulation_steps = 2;
    two.world_size = 2;
    const BatchPlan a(lengths, one), b(lengths, four), c(lengths, two);
    ASSERT_EQ(a.total_steps(), b.total_steps());
    ASSERT_EQ(a.total_steps(), c.total_steps());
    for (std::int64_t s = 0; s < 2 * a.total_steps(); ++s) {
      EXPECT_EQ(step_rows(a, s), step_rows(b, s));
      EXPECT_EQ(step_rows(a, s), step_rows(c, s));
      for (std::int64_t k = 0; k < 4; ++k) EXPECT_EQ(a.rows(s, 0, k), b.rows(s, k, 0));
    }
  }
}

TEST(BatchPlan, IsAFunctionOfSeedAndEpoch) {
  const auto lengths = random_lengths(200, 128, 4);
  const BatchPlanOptions o{.micro_batch_size = 2, .sequence_len = 256, .sample_packing = true};
  BatchPlan a(lengths, o), b(lengths, o);
  BatchPlanOptions other = o;
  other.seed = 43;
  BatchPlan c(lengths, other);
  const std::int64_t far = 2 * a.steps_per_epoch() + 1;
  EXPECT_EQ(b.rows(far, 0, 0), a.rows(far, 0, 0));  // b jumps there, as a resumed run does
  bool differs = false, next_differs = false;
  for (std::int64_t s = 0; s < a.steps_per_epoch(); ++s) {
    EXPECT_EQ(a.rows(s, 0, 0), b.rows(s, 0, 0));
    differs = differs || a.rows(s, 0, 0) != c.rows(s, 0, 0);
    next_differs = next_differs || a.rows(s, 0, 0) != a.rows(s + a.steps_per_epoch(), 0, 0);
  }
  EXPECT_TRUE(differs);
  EXPECT_TRUE(next_differs);
}

TEST(BatchPlan, ShortLastStepLeavesRanksWithoutRows) {
  BatchPlan plan(random_lengths(5, 32, 5), {.micro_batch_size = 1, .world_size = 4});
  EXPECT_EQ(plan.total_steps(), 2);
  EXPECT_EQ(plan.rows(1, 0, 0).size(), 1U);
  for (std::int64_t r = 1; r < 4; ++r) EXPECT_TRUE(plan.rows(1, r, 0).empty());
}

TEST(BatchPlan, NoRowsIsADataError) {
  try {
    BatchPlan plan({}, {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::data);
  }
}

class BatchFile : public ::testing::Test {
 protected:
  BatchFile() {
    TokenStore store;
    store.add({{1, 2, 3, 4}, {kIgnore, kIgnore, 3, 4}});
    store.add({{5, 6}, {5, 6}});
    store.add({{7, 8, 9}, {kIgnore, 8, kIgnore}});
    std::vector<PreparedRow> rows;
    for (const StoredRow& row : store.rows) rows.push_back(store.row(row));
    write_prepared_file(folder_.path("rows"), rows, 1);
    dataset_ = std::make_unique<PreparedDataset>(PreparedDataset::open(folder_.path("rows")));
  }
  testing::TemporaryFolder folder_;
  std::unique_ptr<PreparedDataset> dataset_;
};

TEST_F(BatchFile, DocumentsDoNotSeeEachOther) {
  const MicroBatch b = make_micro_batch(*dataset_, {0, 1, 2});
  EXPECT_EQ(b.input_ids, (std::vector<TokenId>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  // Shifted inside of each document: the labelled 5 has no predictor.
  EXPECT_EQ(b.targets,
            (std::vector<TokenId>{kIgnore, 3, 4, kIgnore, 6, kIgnore, 8, kIgnore, kIgnore}));
  EXPECT_EQ(b.positions, (std::vector<std::int32_t>{0, 1, 2, 3, 0, 1, 0, 1, 2}));
  EXPECT_EQ(b.cu_seqlens, (std::vector<std::int32_t>{0, 4, 6, 9}));
  EXPECT_EQ(b.label_tokens, 4);
}

TEST_F(BatchFile, EmptyMicroBatchHasNoLabels) {
  const MicroBatch b = make_micro_batch(*dataset_, {});
  EXPECT_EQ(b.tokens(), 0);
  EXPECT_EQ(b.label_tokens, 0);
  EXPECT_EQ(b.cu_seqlens, (std::vector<std::int32_t>{0}));
}

TEST_F(BatchFile, GlobalLabelTokensAreTheSumOverMicroBatches) {
  BatchPlan plan(dataset_->lengths(), {.micro_batch_size = 1,
                                       .gradient_accumulation_steps = 2,
                                       .world_size = 1,
                                       .sequential = true});
  EXPECT_EQ(plan.global_label_tokens(0, *dataset_), 3);
  EXPECT_EQ(plan.global_label_tokens(1, *dataset_), 1);
  for (std::int64_t s = 0; s < 2; ++s) {
    std::int64_t sum = 0;
    for (std::int64_t m = 0; m < 2; ++m)
      sum += make_micro_batch(*dataset_, plan.rows(s, 0, m)).label_tokens;
    EXPECT_EQ(sum, plan.global_label_tokens(s, *dataset_));
  }
}

}  // namespace
}  // namespace axl::data
