// metrics.jsonl: its keys, what a resumed run keeps, half lines; the memory figures.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/json.hpp"
#include "observe/memory.hpp"
#include "observe/metrics_file.hpp"
#include "observe/registry.hpp"
#include "observe_testing.hpp"

namespace axl::test {
namespace {

using observe::SinkOptions;

constexpr SinkOptions kMetricsOnly{
    .metrics = true, .tensorboard = false, .progress = false, .report = false};

std::vector<std::string> keys_of(const std::string& line) {
  std::vector<std::string> out;
  const auto object = axl::parse_json<nlohmann::ordered_json>(line);
  for (const auto& [key, value] : object.items()) out.push_back(key);
  return out;
}

TEST(Metrics, LinesHaveTheKeysThatScriptsRelyOn) {
  const auto step = observe::metrics_line(step_record(4));
  EXPECT_EQ(step.back(), '\n');
  EXPECT_EQ(keys_of(step), (std::vector<std::string>{
                               "step", "epoch", "loss", "grad_norm", "learning_rate",
                               "label_tokens", "tokens_per_second", "memory_bytes", "seconds"}));
  const auto eval = observe::metrics_line(observe::EvalRecord{.step = 4, .eval_loss = 1.25});
  EXPECT_EQ(axl::parse_json<nlohmann::json>(eval).at("eval_loss").get<double>(), 1.25);
}

TEST(Metrics, NumbersSurviveARoundTripBitForBit) {
  const TemporaryFolder folder;
  observe::StepRecord r = step_record(3);
  r.loss = 0.1 + 0.2;
  r.learning_rate = 1.0 / 3.0;
  std::ofstream(folder.path() + "/m.jsonl") << observe::metrics_line(r);
  const auto history = observe::read_metrics(folder.path() + "/m.jsonl");
  ASSERT_EQ(history.steps.size(), 1u);
  EXPECT_EQ(history.steps[0].loss, r.loss);
  EXPECT_EQ(history.steps[0].learning_rate, r.learning_rate);
  EXPECT_EQ(history.steps[0].label_tokens, r.label_tokens);
}

TEST(Metrics, ALossThatIsNotFiniteIsNull) {
  observe::StepRecord r = step_record(3);
  r.loss = std::numeric_limits<double>::quiet_NaN();
  const auto line = axl::parse_json<nlohmann::json>(observe::metrics_line(r));
  EXPECT_TRUE(line.at("loss").is_null());
}

TEST(Metrics, OnlyLoggedStepsAreWritten) {
  const TemporaryFolder folder;
  play(*observe::make_sinks(kMetricsOnly), folder.path() + "/new/run", 0, 5);
  const auto history = observe::read_metrics(folder.path() + "/new/run/metrics.jsonl");
  ASSERT_EQ(history.steps.size(), 2u);
  EXPECT_EQ(history.steps[1].step, 4);
  ASSERT_EQ(history.evals.size(), 1u);
  EXPECT_EQ(history.evals[0].eval_loss, 0.75);
}

TEST(Metrics, EveryLineIsThereBeforeTheNextStep) {
  const TemporaryFolder folder;
  const auto sink = observe::make_sinks(kMetricsOnly);
  sink->start({.output_dir = folder.path()});
  sink->step(step_record(1), true);
  EXPECT_EQ(lines_of(folder.path() + "/metrics.jsonl").size(), 1u);
}

TEST(Metrics, AResumedRunGoesOnBehindItsCheckpoint) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/metrics.jsonl";
  play(*observe::make_sinks(kMetricsOnly), folder.path(), 0, 8);
  std::ofstream(path, std::ios::app) << R"({"step": 9, "lo)";  // killed while writing
  const auto sink = observe::make_sinks(kMetricsOnly);
  sink->start({.output_dir = folder.path(), .start_step = 4});
  sink->step(step_record(5), true);
  const auto history = observe::read_metrics(path);
  std::vector<std::int64_t> steps;
  for (const auto& r : history.steps) steps.push_back(r.step);
  EXPECT_EQ(steps, (std::vector<std::int64_t>{2, 4, 5}));
  EXPECT_TRUE(history.evals.empty());
  EXPECT_EQ(lines_of(path).size(), 3u);
}

TEST(Metrics, ANewRunBeginsAnEmptyFile) {
  const TemporaryFolder folder;
  play(*observe::make_sinks(kMetricsOnly), folder.path(), 0, 8);
  observe::make_sinks(kMetricsOnly)->start({.output_dir = folder.path()});
  EXPECT_EQ(read_text(folder.path() + "/metrics.jsonl"), "");
}

TEST(Metrics, LinesThatAreNotOursAreSkipped) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/m.jsonl";
  std::ofstream(path) << "not json\n[1,2]\n{\"step\":\"x\"}\n"
                      << observe::metrics_line(step_record(1)) << "{\"step\":2,\"loss\":null}\n";
  const auto history = observe::read_metrics(path);
  ASSERT_EQ(history.steps.size(), 2u);
  EXPECT_TRUE(std::isnan(history.steps[1].loss));
  EXPECT_TRUE(observe::read_metrics(folder.path() + "/absent").steps.empty());
}

TEST(Metrics, AFolderThatCannotBeMadeIsAnIoError) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() + "/file") << "x";
  try {
    observe::make_sinks(kMetricsOnly)->start({.output_dir = folder.path() + "/file/run"});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::io);
    EXPECT_NE(e.message().find("/file/run"), std::string::npos);
  }
}

TEST(Sinks, AreListedAndChosen) {
  EXPECT_EQ(observe::sinks().joined(), "metrics, tensorboard, report, progress");
  const TemporaryFolder folder;
  play(*observe::make_sinks(
           {.metrics = false, .tensorboard = false, .progress = false, .report = false}),
       folder.path() + "/none", 0, 2);
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/none"));
}

TEST(Sinks, ThePlainSinkIgnoresEverything) {
  observe::EventSink sink;
  play(sink, "/nowhere/at/all", 0, 2);
}

TEST(Memory, PeakIsAtLeastWhatIsResidentNow) {
  const std::int64_t before = observe::resident_bytes();
  ASSERT_GT(before, 1 << 20);
  constexpr std::size_t kBytes = 64 << 20;
  std::vector<char> block(kBytes, 'x');
  EXPECT_GE(observe::resident_bytes(), before + (60 << 20)) << block[kBytes / 2];
  EXPECT_GE(observe::peak_resident_bytes(), observe::resident_bytes());
}

}  // namespace
}  // namespace axl::test
