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
  std::vector<std::string> broken;
  std::int64_t broken_count = 0, too_long = 0, too_short = 0, no_labels = 0, truncated = 0;
  std::int64_t label_tokens = 0, eos_rows = 0;
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
        ++part.broken_count;
        if (part.broken.size() < options_.most_examples)
          part.broken.push_back(file.path + ":" + std::to_string(ref.line) + ": " + error.why);
        continue;
      } catch (const Error& error) {
        // A template that refuses the conversation, for example.
        if (error.code() != ErrorCode::data) throw;
        ++part.broken_count;
        if (part.broken.size() < options_.most_examples)
          part.broken.push_back(file.path + ":" + std::to_string(ref.line) + ": " +
                                error.message());
        continue;
      }
      for (Sample& sample : samples_) keep(sample, ref, part);
    }
  }

 private:
  void keep(Sample& sample, const RowRef& ref, Part& part) {
    const std::int64_t length = static_cast<std::int64_t>(sample.input_ids.size());
    if (length < std::max<std::int64_t>(options_.min_sample_len, 1)) {
      ++part.too_short;
      return;
    }
    if (length > options_.sequence_len) {
      if (options_.excess_length_strategy == "raise")
        throw Error(ErrorCode::data, "a row has " + std::to_string(length) +
                                         " tokens, more than sequence_len " +
                                         std::to_string(options_.sequence_len) +
                                         " (excess_length_strategy is raise)")
            .at({files_[ref.file].path, static_cast<int>(ref.line), 0, ""});
      if (options_.excess_length_strategy != "truncate") {
        ++part.too_long;
        return;
      }
      ++part.truncated;
      sample.input_ids.resize(static_cast<std::size_t>(options_.sequence_len));
      sample.labels.resize(static_cast<std::size_t>(options_.sequence_len));
    }
    std::int64_t labels = 0;
    bool eos = false;
    for (std::size_t i = 1; i < sample.labels.size(); ++i) {
      labels += sample.labels[i] != kIgnore;
      eos = eos || (sample.labels[i] == options_.eos && options_.eos >= 0);
    }
    if (labels == 0) {
      ++part.no_labels;
      return;
    }
    part.label_tokens += labels;
    part.eos_rows += eos;
    part.store.add(sample);
  }

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
    r.dropped_broken += part.broken_count;
    r.dropped_too_long += part.too_long;
    r.dropped_too_short += part.too_short;
    r.dropped_no_labels += part.no_labels;
    r.truncated += part.truncated;
    r.rows_kept += static_cast<std::int64_t>(part.store.rows.size());
    r.tokens += static_cast<std::int64_t>(part.store.tokens.size());
    r.label_tokens += part.label_tokens;
    out.rows_with_eos_label += part.eos_rows;
    for (std::string& text : part.broken)
      if (r.examples.size() < options.most_examples) r.examples.push_back(std::move(text));
    out.parts.push_back(std::move(part.store));
  }
  return out;
}

}  // namespace axl::data
