// Preparing a dataset from nothing, finding it again in the cache, and planning its batches.
//   bench_prepare TOKENIZER ROWS [TYPE]   for example models/SmolLM2-135M-Instruct rows.json alpaca
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "data/batch_plan.hpp"
#include "data/prepare.hpp"

namespace {

constexpr int kRuns = 5;

double seconds_of(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void bench_prepare(const std::string& tokenizer_path, const std::string& rows,
                   const std::string& type, std::int64_t threads) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("axl-bench-{}", std::rand());
  axl::config::Config config;
  axl::config::DatasetConfig dataset;
  dataset.path = rows;
  dataset.type = type;
  config.datasets = {dataset};
  config.sequence_len = 2048;
  config.dataset_num_proc = threads;
  config.dataset_prepared_path = folder.string();
  std::vector<double> fresh, cached;
  axl::data::PrepareResult result;
  for (int i = 0; i < kRuns; ++i) {
    fs::remove_all(folder);
    // A new tokenizer each time: its cache of words must not be warm.
    const auto tokenizer = axl::tokenizer::Tokenizer::load(tokenizer_path);
    fresh.push_back(seconds_of([&] { result = axl::data::prepare(config, tokenizer, {}); }));
    cached.push_back(seconds_of([&] {
      result = axl::data::prepare(config, tokenizer, {});
      axl::data::PreparedDataset::open(result.train_path);
    }));
  }
  if (!result.from_cache) throw axl::Error(axl::ErrorCode::internal, "the cache was not found");
  const axl::data::DatasetReport& report = result.reports.at(0);
  const double s = median(fresh);
  fmt::print(
      "{{\"op\": \"prepare\", \"threads\": {}, \"rows\": {}, \"tokens\": {}, \"seconds\": {:.3f}, "
      "\"rows_per_s\": {:.0f}, \"tokens_per_s\": {:.0f}, \"cache_hit_ms\": {:.2f}}}\n",
      threads, report.rows_read, report.tokens, s, static_cast<double>(report.rows_read) / s,
      static_cast<double>(report.tokens) / s, 1e3 * median(cached));
  fs::remove_all(folder);
}

void bench_packing(std::size_t rows) {
  std::vector<std::int32_t> lengths(rows);
  for (std::size_t i = 0; i < rows; ++i)
    lengths[i] = 20 + static_cast<std::int32_t>(axl::random_below(1000, 1, 1, i));
  std::vector<double> times;
  double efficiency = 0;
  std::int64_t steps = 0;
  for (int i = 0; i < kRuns; ++i)
    times.push_back(seconds_of([&] {
      const axl::data::BatchPlan plan(lengths, {.sequence_len = 2048, .sample_packing = true});
      efficiency = plan.packing_efficiency();
      steps = plan.total_steps();
    }));
  fmt::print(
      "{{\"op\": \"packing_plan\", \"rows\": {}, \"steps\": {}, \"seconds\": {:.3f}, "
      "\"efficiency\": {:.4f}}}\n",
      rows, steps, median(times), efficiency);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: {} TOKENIZER ROWS [TYPE]\n", argv[0]);
    return 2;
  }
  try {
    const std::string type = argc > 3 ? argv[3] : "alpaca";
    bench_prepare(argv[1], argv[2], type, 1);
    bench_prepare(argv[1], argv[2], type, 2);
    bench_packing(100000);
    bench_packing(1000000);
  } catch (const std::exception& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return 1;
  }
  return 0;
}
