// Preparing a dataset from nothing, finding it again in the cache, and planning its batches.
//   bench_prepare TOKENIZER ROWS [TYPE]   for example models/SmolLM2-135M-Instruct rows.json alpaca
//   bench_prepare TOKENIZER stream [GIGABYTES]   rows generated on the fly, through a pipe
//   bench_prepare generate GIGABYTES             those rows, on standard output
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "data/batch_plan.hpp"
#include "data/prepare.hpp"
#include "data/stream.hpp"
#include "data/workers.hpp"

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

/// Finding a prepared dataset again depends neither on its size nor on its rows.
void bench_cache_hit(const std::string& tokenizer_path, std::int64_t rows, std::int64_t words) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("axl-bench-{}", std::rand());
  fs::create_directories(folder);
  axl::config::Config config;
  axl::config::DatasetConfig dataset;
  dataset.path = (folder / "rows.jsonl").string();
  dataset.type = "completion";
  {
    std::ofstream file(dataset.path);
    for (std::int64_t i = 0; i < rows; ++i) {
      file << "{\"text\": \"" << i;
      for (std::int64_t w = 0; w < words; ++w) file << " word";
      file << "\"}\n";
    }
  }
  config.datasets = {dataset};
  config.sequence_len = 2048;
  config.dataset_prepared_path = folder.string();
  const auto tokenizer = axl::tokenizer::Tokenizer::load(tokenizer_path);
  std::string path = axl::data::prepare(config, tokenizer, {}).train_path;
  std::vector<double> times;
  for (int i = 0; i < kRuns; ++i)
    times.push_back(seconds_of([&] {
      const auto result = axl::data::prepare(config, tokenizer, {});
      if (!result.from_cache) throw axl::Error(axl::ErrorCode::internal, "no cache hit");
      axl::data::PreparedDataset::open(result.train_path);
    }));
  fmt::print("{{\"op\": \"cache_hit\", \"rows\": {}, \"bytes\": {}, \"ms\": {:.2f}}}\n", rows,
             fs::file_size(path), 1e3 * median(times));
  fs::remove_all(folder);
}

/// Rows of about 2 kB of English-like text: sentences of common words, of which every tenth is a
/// rare one, so that the tokenizer's cache of words meets new ones all the time.
class TextRows {
 public:
  TextRows() {
    static constexpr const char* kCommon[] = {
        "the",   "of",    "and",   "to",    "in",     "a",       "is",     "that",   "for",
        "it",    "as",    "was",   "with",  "be",     "by",      "on",     "not",    "he",
        "his",   "but",   "at",    "are",   "this",   "have",    "from",   "or",     "had",
        "an",    "they",  "which", "one",   "you",    "were",    "her",    "all",    "she",
        "there", "would", "their", "we",    "him",    "been",    "has",    "when",   "who",
        "will",  "more",  "no",    "if",    "out",    "water",   "people", "system", "number",
        "year",  "state", "world", "model", "during", "between", "large",  "small",  "because"};
    for (std::uint64_t s = 0; s < kSentences; ++s) {
      std::string text;
      for (std::uint64_t w = 0; w < 14; ++w) {
        text += w == 0 ? "" : " ";
        if (axl::random_below(10, 1, s, w) == 0)
          for (std::uint64_t i = 0; i < 3; ++i) text += syllable(axl::random_u64(2, s, 16 * w + i));
        else
          text += kCommon[axl::random_below(std::size(kCommon), 3, s, w)];
      }
      sentences_.push_back(text + ". ");
    }
  }
  std::string row(std::uint64_t number) const {
    std::string text = "{\"text\": \"Row " + std::to_string(number) + ": ";
    for (std::uint64_t i = 0; i < 26; ++i)
      text += sentences_[axl::random_below(kSentences, 4, number, i)];
    return text + syllable(number) + syllable(number / 1000) + ".\"}\n";
  }

 private:
  static std::string syllable(std::uint64_t r) {
    const auto letter = [&](const char* from, std::uint64_t count) {
      const char c = from[r % count];
      r /= count;
      return c;
    };
    return {letter("bcdfghjklmnpqrstvwz", 19), letter("aeiou", 5), letter("lmnrst", 6)};
  }
  static constexpr std::uint64_t kSentences = 50000;
  std::vector<std::string> sentences_;
};

void generate(double gigabytes) {
  const TextRows rows;
  double written = 0;
  for (std::uint64_t n = 0; written < gigabytes * 1e9; ++n) {
    const std::string row = rows.row(n);
    if (std::fwrite(row.data(), 1, row.size(), stdout) != row.size()) return;  // nobody reads on
    written += static_cast<double>(row.size());
  }
}

/// Throughput and peak memory of a stream of `gigabytes` that are generated on the fly and come
/// through a pipe, to its end.
void bench_stream(const std::string& program, const std::string& tokenizer_path, double gigabytes) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("axl-bench-{}", ::getpid());
  fs::create_directories(folder);
  const std::string pipe = (folder / "rows.jsonl").string();
  const std::string generator =
      fmt::format("mkfifo {0} && ({1} generate {2} > {0} &)", pipe, program, gigabytes);
  if (std::system(generator.c_str()) != 0)
    throw axl::Error(axl::ErrorCode::internal, "no generator");
  axl::config::Config config;
  axl::config::DatasetConfig dataset;
  dataset.path = pipe;
  dataset.type = "completion";
  config.datasets = {dataset};
  config.streaming = true;
  config.sequence_len = 2048;
  config.sample_packing = true;
  const auto tokenizer = axl::tokenizer::Tokenizer::load(tokenizer_path);
  const std::int64_t threads = axl::data::available_threads();
  std::int64_t tokens = 0, batches = 0;
  axl::data::DatasetReport report;
  const double seconds = seconds_of([&] {
    axl::data::BatchStream stream(config, tokenizer, {.threads = threads});
    while (const auto batch = stream.next()) {
      tokens += batch->tokens();
      ++batches;
    }
    report = stream.reports().at(0);
  });
  if (report.tokens != tokens || report.dropped_broken > 0)
    throw axl::Error(axl::ErrorCode::internal, "tokens were lost");
  std::int64_t peak = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) peak = std::stoll(line.substr(6));
  fmt::print(
      "{{\"op\": \"stream\", \"threads\": {}, \"gigabytes\": {}, \"rows\": {}, \"tokens\": {}, "
      "\"seconds\": {:.1f}, \"mb_per_s\": {:.1f}, \"tokens_per_s\": {:.0f}, \"packing\": {:.4f}, "
      "\"peak_mib\": {}}}\n",
      threads, gigabytes, report.rows_read, tokens, seconds, gigabytes * 1e3 / seconds,
      static_cast<double>(tokens) / seconds,
      static_cast<double>(tokens) / static_cast<double>(batches * config.sequence_len),
      peak / 1024);
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
    fmt::print(
        stderr,
        "usage: {} TOKENIZER ROWS [TYPE] | TOKENIZER stream [GIGABYTES] | generate GIGABYTES\n",
        argv[0]);
    return 2;
  }
  try {
    if (std::string(argv[1]) == "generate") {
      generate(std::stod(argv[2]));
      return 0;
    }
    if (std::string(argv[2]) == "stream") {
      bench_stream(argv[0], argv[1], argc > 3 ? std::stod(argv[3]) : 1.0);
      return 0;
    }
    const std::string type = argc > 3 ? argv[3] : "alpaca";
    bench_prepare(argv[1], argv[2], type, 1);
    bench_prepare(argv[1], argv[2], type, 2);
    bench_cache_hit(argv[1], 1000, 2000);
    bench_cache_hit(argv[1], 100000, 2000);
    bench_cache_hit(argv[1], 2000000, 10);
    bench_packing(100000);
    bench_packing(1000000);
  } catch (const std::exception& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return 1;
  }
  return 0;
}
