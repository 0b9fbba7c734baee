#include "data/tokenize.hpp"

#include <algorithm>
#include <atomic>
#include <memory>

#include "data/workers.hpp"

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
        const Row& row = parser_.parse(file, ref);
        convert_(row, samples_);
        part.report.notes.add(row.notes());
      } catch (const RowError& error) {
        count_broken(part.report, file.path + ":" + std::to_string(ref.line) + ": " + error.why +
                                      hint_of_document(file, ref));
        continue;
      } catch (const Error& error) {
        // A template that refuses the conversation, for example.
        if (error.code() != ErrorCode::data) throw;
        count_broken(part.report,
                     file.path + ":" + std::to_string(ref.line) + ": " + error.message());
        continue;
      }
      if (samples_.empty()) ++part.report.dropped_empty;
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
  std::atomic<std::int64_t> finished{0};
  const auto make_worker = [&]() -> PartWorker {
    const auto worker = std::make_shared<Worker>(files, rows, convert, options);
    return [&, worker](std::size_t p) {
      const std::size_t begin = p * kRowsPerPart, end = std::min(begin + kRowsPerPart, rows.size());
      worker->run(begin, end, parts[p]);
      finished += static_cast<std::int64_t>(end - begin);
    };
  };
  std::function<void()> watch;
  if (done) watch = [&] { done(finished); };
  run_parts(part_count, options.threads, make_worker, watch);
  if (done) done(finished);

  TokenizedDataset out;
  out.report.rows_read = static_cast<std::int64_t>(rows.size());
  for (Part& part : parts) {
    out.report.add(part.report);
    out.rows_with_eos_label += part.eos_rows;
    out.parts.push_back(std::move(part.store));
  }
  return out;
}

}  // namespace axl::data
