#include "data/stream_rows.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "data/workers.hpp"

namespace axl::data {
namespace {

constexpr std::size_t kRowsPerPart = 64;

struct Part {
  TokenStore store;
  std::vector<DatasetReport> reports;  ///< one a dataset
};

/// One thread's own tools.
struct Worker {
  RowParser parser;
  std::vector<Sample> samples;

  void run(const WaitingRow& row, const StreamedDataset& source, const LengthRule& length,
           DatasetReport& report, TokenStore& store) {
    const auto broken = [&](const std::string& why) {
      count_broken(report, *row.path + ":" + std::to_string(row.number) + ": " + why);
    };
    samples.clear();
    const Row* read = nullptr;
    try {
      const Row& parsed = parser.parse_text(row.text, row.plain);
      read = &parsed;
      source.convert(parsed, samples);
      report.notes.add(parsed.notes());
    } catch (const RowError& e) {
      const bool first = read != nullptr && row.number == 1 && !source.rows->in_document();
      return broken(e.why + (first ? hint_of_list(*read) : ""));
    } catch (const Error& e) {
      // A template that refuses the conversation, for example.
      if (e.code() != ErrorCode::data) throw;
      return broken(e.message());
    }
    if (samples.empty()) ++report.dropped_empty;
    for (Sample& sample : samples) {
      if (!fit_sample(sample, length, *row.path, static_cast<std::uint64_t>(row.number), report))
        continue;
      ++report.rows_used;
      store.add(sample);
    }
  }
};

}  // namespace

void tokenize_waiting(const std::vector<WaitingRow>& rows, std::vector<StreamedDataset>& datasets,
                      const LengthRule& length, std::int64_t threads, TokenStore& store) {
  std::vector<Part> parts((rows.size() + kRowsPerPart - 1) / kRowsPerPart);
  const auto make_worker = [&]() -> PartWorker {
    const auto worker = std::make_shared<Worker>();
    return [&, worker](std::size_t p) {
      parts[p].reports.resize(datasets.size());
      for (std::size_t i = p * kRowsPerPart; i < std::min(rows.size(), (p + 1) * kRowsPerPart); ++i)
        worker->run(rows[i], datasets[rows[i].dataset], length, parts[p].reports[rows[i].dataset],
                    parts[p].store);
    };
  };
  run_parts(parts.size(), threads, make_worker, {});
  for (const Part& part : parts) {
    store.add(part.store);
    for (std::size_t d = 0; d < datasets.size(); ++d) datasets[d].report.add(part.reports[d]);
  }
}

}  // namespace axl::data
