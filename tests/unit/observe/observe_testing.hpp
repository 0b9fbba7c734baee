#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "observe/run_events.hpp"
#include "support/temporary_folder.hpp"

namespace axl::test {

inline std::string read_text(const std::string& path) { return read_bytes(path); }

inline std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> out;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

inline observe::StepRecord step_record(std::int64_t step) {
  const double x = static_cast<double>(step);
  return {.step = step,
          .epoch = x / 10,
          .loss = 3.0 / x,
          .grad_norm = 0.5,
          .learning_rate = 2e-4,
          .label_tokens = 100 + step,
          .tokens = 512,
          .tokens_per_second = 1234.5,
          .memory_bytes = 1 << 30,
          .seconds = x};
}

/// A whole small run of steps (first, last].
inline void play(observe::EventSink& sink, const std::string& folder, std::int64_t first,
                 std::int64_t last) {
  sink.start({.output_dir = folder,
              .total_steps = last,
              .num_epochs = 1,
              .config_path = "run.yaml",
              .model = "models/tiny",
              .adapter = "lora",
              .dtype = "f32",
              .effective_config_json = R"({"lora_r":8,"note":"<b>&"})",
              .trained_parameters = 10,
              .total_parameters = 1000,
              .start_step = first});
  for (std::int64_t s = first + 1; s <= last; ++s) sink.step(step_record(s), s % 2 == 0);
  sink.eval({.step = last, .epoch = 1, .eval_loss = 0.75, .label_tokens = 42, .seconds = 9});
  sink.checkpoint(last, folder + "/checkpoint");
  sink.end(
      {.status = "done", .steps = last, .seconds = 9, .train_loss = 1.5, .adapter_dir = folder});
}

}  // namespace axl::test
