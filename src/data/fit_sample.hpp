#pragma once
#include <cstdint>
#include <string>

#include "config/config.hpp"
#include "data/dataset.hpp"
#include "data/prepare.hpp"

namespace axl::data {

/// Broken rows that a report shows with file:line.
inline constexpr std::size_t kMostExamples = 20;

/// How long a row may be, and what becomes of a longer one.
struct LengthRule {
  std::int64_t sequence_len = 0;
  std::int64_t min_sample_len = 2;
  std::string excess_length_strategy = "drop";  ///< drop, truncate, raise
};

/// Error{data} of a row that is too long under `raise`.
[[noreturn]] void refuse_long_row(std::int64_t tokens, std::int64_t sequence_len,
                                  const std::string& file, std::uint64_t line);

/// Whether a sample is trained on: long enough, cut if it may be, with a label that is predicted
/// from a position of its own. Counts it in `report`, kept or dropped.
bool fit_sample(Sample& sample, const LengthRule& rule, const std::string& file, std::uint64_t line,
                DatasetReport& report);

/// Counts a row that cannot be used; `text` is "file:line: why".
template <class Report>
void count_broken(Report& report, std::string text) {
  ++report.dropped_broken;
  if (report.examples.size() < kMostExamples) report.examples.push_back(std::move(text));
}

}  // namespace axl::data
