#include "config/schedule.hpp"

#include "yaml_case.hpp"

namespace axl::config {
namespace {

Cadence cadence(const std::string& lines, std::int64_t total) {
  const LoadResult r = read(kMinimal + lines);
  EXPECT_TRUE(r.accepted()) << all(r.errors);
  return derive_cadence(r.config, total);
}

TEST(Cadence, WarmupFromStepsRatioAndDefault) {
  EXPECT_EQ(cadence("warmup_steps: 7\n", 100).warmup_steps, 7);
  EXPECT_EQ(cadence("warmup_ratio: 0.1\n", 105).warmup_steps, 10);
  EXPECT_EQ(cadence("warmup_ratio: 0\n", 105).warmup_steps, 0);
  EXPECT_EQ(cadence("", 1000).warmup_steps, 30);
  EXPECT_EQ(cadence("", 10000).warmup_steps, 100);
  EXPECT_EQ(cadence("", 10).warmup_steps, 0);
  EXPECT_EQ(cadence("", 40).warmup_steps, 2) << "1 becomes 2";
  EXPECT_EQ(cadence("warmup_steps: 0\nwarmup_ratio: 0.5\n", 10).warmup_steps, 0)
      << "steps come first, also when they are 0";
}

TEST(Cadence, LoggingDefaultIsHalfAPercent) {
  EXPECT_EQ(cadence("", 100).logging_steps, 1);
  EXPECT_EQ(cadence("", 1000).logging_steps, 5);
  EXPECT_EQ(cadence("", 100000).logging_steps, 10);
  EXPECT_EQ(cadence("logging_steps: 3\n", 100000).logging_steps, 3);
}

TEST(Cadence, SavesAndEvaluations) {
  const Cadence shares =
      cadence("saves_per_epoch: 2\nnum_epochs: 2\nval_set_size: 9\nevals_per_epoch: 3\n", 101);
  EXPECT_EQ(shares.save_steps, 26) << "a quarter of 101, rounded up";
  EXPECT_EQ(shares.eval_steps, 17);
  EXPECT_FALSE(shares.save_each_epoch);
  const Cadence epochs = cadence("val_set_size: 9\n", 50);
  EXPECT_TRUE(epochs.save_each_epoch);
  EXPECT_TRUE(epochs.eval_each_epoch);
  EXPECT_EQ(epochs.save_steps, 0);
  const Cadence none = cadence("save_strategy: 'no'\n", 50);
  EXPECT_FALSE(none.save_each_epoch);
  EXPECT_EQ(none.save_steps, 0);
  EXPECT_EQ(cadence("save_steps: 0.001\n", 50).save_steps, 1);
  EXPECT_THROW(derive_cadence(Config{}, 0), Error);
}

}  // namespace
}  // namespace axl::config
