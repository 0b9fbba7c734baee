// Learning-rate factors: by hand, and against transformers' recorded curves where they are present.
#include "optim/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include "core/error.hpp"
#include "core/json.hpp"
#include "support/paths.hpp"
#include "support/session.hpp"

namespace axl::test {
namespace {

double factor(const char* name, std::int64_t step, const optim::ScheduleContext& c) {
  return optim::schedules().get(name).factor(step, c);
}

TEST(Schedule, WarmUpRisesLinearlyFromZero) {
  const optim::ScheduleContext c{.total_steps = 100, .warmup_steps = 10};
  for (const char* name : {"cosine", "linear", "constant_with_warmup"}) {
    EXPECT_EQ(factor(name, 0, c), 0.0) << name;
    EXPECT_NEAR(factor(name, 3, c), 0.3, 1e-15) << name;
    EXPECT_EQ(factor(name, 10, c), 1.0) << name;
  }
  EXPECT_EQ(factor("constant", 0, c), 1.0);
}

TEST(Schedule, WithoutWarmUpTheFirstStepHasThePeak) {
  const optim::ScheduleContext c{.total_steps = 100};
  for (const char* name : {"cosine", "linear", "constant", "constant_with_warmup"})
    EXPECT_EQ(factor(name, 0, c), 1.0) << name;
}

TEST(Schedule, Linear) {
  const optim::ScheduleContext c{.total_steps = 110, .warmup_steps = 10};
  EXPECT_NEAR(factor("linear", 35, c), 0.75, 1e-15);
  EXPECT_NEAR(factor("linear", 109, c), 0.01, 1e-15);
  EXPECT_EQ(factor("linear", 110, c), 0.0);
  EXPECT_EQ(factor("linear", 500, c), 0.0) << "never below zero";
}

TEST(Schedule, Cosine) {
  const optim::ScheduleContext c{.total_steps = 110, .warmup_steps = 10};
  EXPECT_NEAR(factor("cosine", 60, c), 0.5, 1e-15);
  EXPECT_NEAR(factor("cosine", 35, c), 0.5 * (1 + std::sqrt(0.5)), 1e-15);
  EXPECT_NEAR(factor("cosine", 110, c), 0.0, 1e-15);
}

TEST(Schedule, CosineWithAFloor) {
  const optim::ScheduleContext c{.total_steps = 100, .min_lr_ratio = 0.1};
  EXPECT_EQ(factor("cosine", 0, c), 1.0);
  EXPECT_NEAR(factor("cosine", 50, c), 0.55, 1e-15);
  EXPECT_NEAR(factor("cosine", 100, c), 0.1, 1e-15);
}

TEST(Schedule, CosineFrozenAtTheFloor) {
  const optim::ScheduleContext c{.total_steps = 100, .min_lr_ratio = 0.2, .constant_lr_ratio = 0.8};
  EXPECT_NEAR(factor("cosine", 40, c), 0.6, 1e-15);
  for (const std::int64_t step : {80, 90, 100})
    EXPECT_NEAR(factor("cosine", step, c), 0.2, 1e-15) << step;
}

TEST(Schedule, FrozenAtThePeakWhenWarmUpTakesAllOfTheCosine) {
  const optim::ScheduleContext c{
      .total_steps = 50, .warmup_steps = 5, .min_lr_ratio = 0.1, .constant_lr_ratio = 0.1};
  for (const std::int64_t step : {5, 6, 20, 49}) EXPECT_EQ(factor("cosine", step, c), 1.0) << step;
}

TEST(Schedule, WithoutAFloorNothingIsFrozen) {
  const optim::ScheduleContext plain{.total_steps = 100, .warmup_steps = 4};
  const optim::ScheduleContext frozen{
      .total_steps = 100, .warmup_steps = 4, .constant_lr_ratio = 0.8};
  for (std::int64_t step = 0; step <= 100; ++step)
    EXPECT_EQ(factor("cosine", step, frozen), factor("cosine", step, plain)) << step;
}

TEST(Schedule, NothingIsDividedByZero) {
  for (const auto& s : optim::schedules())
    for (const std::int64_t total : {0, 1, 5})
      for (const std::int64_t warmup : {0, 1, 5, 9})
        for (std::int64_t step = 0; step < 12; ++step) {
          const double f = s.factor(step, {.total_steps = total, .warmup_steps = warmup});
          EXPECT_TRUE(std::isfinite(f) && f >= 0.0 && f <= 1.0)
              << s.name << " " << total << " " << warmup;
        }
}

TEST(Schedule, UnknownNamesAreListed) {
  try {
    optim::schedules().get("cosin");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("cosine"), std::string::npos) << e.what();
  }
}

TEST(Schedule, TransformersCurves) {
  std::ifstream in(oracle_root() + "/optim/lr_curves.json");
  if (!in) GTEST_SKIP() << "no oracles found";
  const auto curves = axl::parse_json<nlohmann::json>(in);
  int compared = 0;
  for (const auto& s : optim::schedules()) {
    const std::string name(s.name);
    if (!curves.contains(name)) continue;
    const auto& c = curves[name];
    double worst = 0;
    const optim::ScheduleContext context{.total_steps = c["total"], .warmup_steps = c["warmup"]};
    for (std::size_t i = 0; i < c["lr"].size(); ++i) {
      const double lr = c["lr0"].get<double>() * s.factor(static_cast<std::int64_t>(i), context);
      worst = std::max(worst, std::abs(lr - c["lr"][i].get<double>()));
    }
    std::printf("%-24s %zu values, worst difference %.1e\n", name.c_str(), c["lr"].size(), worst);
    EXPECT_LE(worst, 1e-15) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 4);
}

}  // namespace
}  // namespace axl::test
