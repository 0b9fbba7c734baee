#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "data/preference.hpp"
#include "data/prepare.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::data {

/// What happened to the preference or reward rows of one dataset.
struct ComparisonReport {
  std::string path, type;
  std::int64_t rows_read = 0, rows_kept = 0;
  std::int64_t dropped_broken = 0, dropped_too_long = 0, truncated = 0;
  std::int64_t identical = 0;  ///< chosen and rejected are the same text
  std::int64_t desirable = 0;  ///< KTO: rows with a good answer
  std::int64_t steps = 0, right_steps = 0;
  std::int64_t prompt_tokens = 0, chosen_tokens = 0, rejected_tokens = 0;
  NoteCounts notes;
  std::vector<std::string> examples;  ///< "file:line: why" of broken rows, up to a limit
};

struct ShownComparison {
  Comparison row;
  std::string type;
  std::int64_t prompt_tokens = 0, chosen_tokens = 0, rejected_tokens = 0;
};

struct ComparisonResult {
  std::vector<ComparisonReport> reports;
  std::vector<ShownComparison> shown;  ///< kept rows [first, first + count)
  std::vector<std::string> warnings;
};

/// Whether the datasets of a configuration are compared rather than learned as they are. They are
/// then not prepared (prepare() refuses them), but read here.
bool has_comparisons(const config::Config& config);

/// Reads and checks every row, counts, and keeps some to be shown. A row is too long when its
/// prompt and its longer answer exceed sequence_len. Error{data}/Error{config}.
ComparisonResult read_comparisons(const config::Config& config,
                                  const tokenizer::Tokenizer& tokenizer, std::int64_t first,
                                  std::int64_t count);

/// A report as text lines.
std::vector<std::string> report_lines(const ComparisonReport& report);

}  // namespace axl::data
