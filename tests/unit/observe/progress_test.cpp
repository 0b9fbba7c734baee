// What the progress bar and the lines of a log say.
#include <gtest/gtest.h>

#include <limits>

#include "core/log.hpp"
#include "observe/progress_line.hpp"
#include "observe_testing.hpp"

namespace axl::test {
namespace {

using observe::ProgressState;

ProgressState half_way() {
  ProgressState s{.step = 50, .total_steps = 100, .last = step_record(50), .eta_s = 75};
  s.last.loss = 1.23456;
  s.last.tokens_per_second = 12345.6;
  return s;
}

TEST(Progress, DurationsAreReadable) {
  EXPECT_EQ(observe::duration_text(0), "0:00");
  EXPECT_EQ(observe::duration_text(59.6), "1:00");
  EXPECT_EQ(observe::duration_text(3723), "1:02:03");
  EXPECT_EQ(observe::duration_text(-1), "?");
  EXPECT_EQ(observe::duration_text(std::numeric_limits<double>::infinity()), "?");
}

TEST(Progress, ThousandsAreGrouped) {
  EXPECT_EQ(observe::grouped(0), "0");
  EXPECT_EQ(observe::grouped(999), "999");
  EXPECT_EQ(observe::grouped(1000), "1,000");
  EXPECT_EQ(observe::grouped(-1234567), "-1,234,567");
}

TEST(Progress, TheBarShowsEverythingWhereThereIsRoom) {
  ProgressState s = half_way();
  s.has_eval = true;
  s.eval_loss = 2.5;
  const std::string bar = observe::progress_bar(s, 120, false);
  EXPECT_LE(bar.size(), 120u);
  for (const char* part :
       {" 50%", "50/100", "loss 1.2346", "12,346 tok/s", "ETA 1:15", "eval 2.5000", "lr 2.00e-04"})
    EXPECT_NE(bar.find(part), std::string::npos) << part << " in " << bar;
  EXPECT_EQ(std::count(bar.begin(), bar.end(), '#'), 15);
}

TEST(Progress, ANarrowTerminalKeepsTheSteps) {
  for (const int columns : {20, 30, 40, 60, 80}) {
    const std::string bar = observe::progress_bar(half_way(), columns, false);
    EXPECT_LE(bar.size(), static_cast<std::size_t>(columns)) << bar;
    EXPECT_NE(bar.find("50"), std::string::npos) << bar;
  }
  EXPECT_EQ(observe::progress_bar(half_way(), 40, false).find("ETA"), std::string::npos);
}

TEST(Progress, TheEndsOfTheBar) {
  EXPECT_EQ(observe::progress_bar({.step = 0, .total_steps = 10}, 80, false).find('#'),
            std::string::npos);
  EXPECT_EQ(observe::progress_bar({.step = 10, .total_steps = 10}, 80, false).find("----"),
            std::string::npos);
  EXPECT_NE(observe::progress_bar({.step = 0, .total_steps = 0}, 80, true).find("0/0"),
            std::string::npos);
}

TEST(Progress, WithoutATerminalALineALoggedStep) {
  const TemporaryFolder folder;
  ::testing::internal::CaptureStderr();
  play(*observe::make_sinks({.metrics = false, .tensorboard = false, .report = false}),
       folder.path(), 0, 4);
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("step 2/4  epoch 0.20  loss 1.5000"), std::string::npos) << text;
  EXPECT_EQ(text.find("step 3/4"), std::string::npos) << text;
  EXPECT_NE(text.find("eval loss 0.7500 over 42 label tokens"), std::string::npos) << text;
  EXPECT_NE(text.find("done after 4 steps in 0:09: mean loss 1.5000"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

TEST(Log, AHookRunsBeforeEveryLineThatIsPrinted) {
  int calls = 0;
  log::before_each_line([&] { ++calls; });
  ::testing::internal::CaptureStderr();
  log::info("one");
  log::debug("below the level");
  log::before_each_line({});
  log::info("two");
  ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace axl::test
