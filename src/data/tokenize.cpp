#include "data/tokenize.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace axl::data {
namespace {

constexpr std::size_t kRowsPerPart = 128;

struct Part {
  TokenStore store;
  DatasetReport report;
  std::int64_t eos_rows = 0;
};

class Worker {
 public:
  Worker(const std::vector<SourceFile>& files, const std::vector<RowRef>& rows,
         const RowConverter& convert, const TokenizeOptions& options)
      : files_(files), rows_(rows), convert_(convert), options_(options) {}

  void run(std::size_t begin, std::size_t end, Part& part) {
    for (std::size_t i = begin; i < end; ++i) {
      const RowRef& ref = rows_[i];
      const SourceFile& file = files_[ref.file];
      samples_.clear();
      try {
        convert_(parser_.parse(file, ref), samples_);
      } catch (const RowError& error) {
        count_broken(part.report, file.path + ":" + std::to_string(ref.line) + ": " + error.why);
        continue;
      } catch (const Error& error) {
        // A template that refuses the conversation, for example.
        if (error.code() != ErrorCode::data) throw;
        count_broken(part.report,
                     file.path + ":" + std::to_string(ref.line) + ": " + error.message());
        continue;
      }
      for (Sample& sample : samples_) {
        if (!fit_sample(sample, options_.length, file.path, ref.line, part.report)) continue;
        part.eos_rows += options_.eos >= 0 &&
                         std::find(sample.labels.begin() + 1, sample.labels.end(), options_.eos) !=
                             sample.labels.end();
        part.store.add(sample);
      }
    }
  }

 private:
  const std::vector<SourceFile>& files_;
  const std::vector<RowRef>& rows_;
  const RowConverter& convert_;
  const TokenizeOptions& options_;
  RowParser parser_;
  std::vector<Sample> samples_;
};

}  // namespace

std::int64_t available_threads() {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::thread::hardware_concurrency()));
}

bool is_pretokenized(const std::vector<SourceFile>& files, const RowRef& ref) {
  RowParser parser;
  try {
    const Row& row = parser.parse(files[ref.file], ref);
    return row.has("input_ids") && row.has("attention_mask") && row.has("labels");
  } catch (const RowError&) {
    return false;
  }
}

TokenizedDataset tokenize_rows(const std::vector<SourceFile>& files,
                               const std::vector<RowRef>& rows, const RowConverter& convert,
                               const TokenizeOptions& options,
                               const std::function<void(std::int64_t)>& done) {
  const std::size_t part_count = (rows.size() + kRowsPerPart - 1) / kRowsPerPart;
  std::vector<Part> parts(part_count);
  std::atomic<std::size_t> next{0};
  std::atomic<std::int64_t> finished{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::condition_variable all_done;
  std::size_t running = 0;
  std::exception_ptr failure;
  std::size_t failed_part = part_count;

  const auto work = [&] {
    Worker worker(files, rows, convert, options);
    while (!stop) {
      const std::size_t p = next++;
      if (p >= part_count) break;
      const std::size_t begin = p * kRowsPerPart, end = std::min(begin + kRowsPerPart, rows.size());
      try {
        worker.run(begin, end, parts[p]);
      } catch (...) {
        // The earliest part speaks, so that the message does not depend on timing.
        const std::lock_guard lock(mutex);
        if (p < failed_part) {
          failed_part = p;
          failure = std::current_exception();
        }
        stop = true;
      }
      finished += static_cast<std::int64_t>(end - begin);
    }
    const std::lock_guard lock(mutex);
    if (--running == 0) all_done.notify_one();
  };

  const std::size_t count = std::clamp<std::size_t>(static_cast<std::size_t>(options.threads), 1,
                                                    std::max<std::size_t>(1, part_count));
  std::vector<std::thread> threads;
  running = count;
  for (std::size_t t = 0; t < count; ++t) threads.emplace_back(work);
  {
    std::unique_lock lock(mutex);
    while (!all_done.wait_for(lock, std::chrono::milliseconds(100), [&] { return running == 0; }))
      if (done) {
        lock.unlock();
        done(finished);
        lock.lock();
      }
  }
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  if (done) done(finished);

  TokenizedDataset out;
  out.report.rows_read = static_cast<std::int64_t>(rows.size());
  for (Part& part : parts) {
    DatasetReport& r = out.report;
    const DatasetReport& p = part.report;
    r.dropped_broken += p.dropped_broken;
    r.dropped_too_long += p.dropped_too_long;
    r.dropped_too_short += p.dropped_too_short;
    r.dropped_no_labels += p.dropped_no_labels;
    r.truncated += p.truncated;
    r.rows_kept += p.rows_kept;
    r.tokens += p.tokens;
    r.label_tokens += p.label_tokens;
    out.rows_with_eos_label += part.eos_rows;
    for (const std::string& text : p.examples)
      if (r.examples.size() < kMostExamples) r.examples.push_back(text);
    out.parts.push_back(std::move(part.store));
  }
  return out;
}

}  // namespace axl::data
