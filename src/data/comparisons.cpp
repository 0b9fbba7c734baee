#include "data/comparisons.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "data/fit_sample.hpp"
#include "data/inputs.hpp"
#include "data/summary.hpp"

namespace axl::data {
namespace {

/// Reads the rows of one dataset.
class Reader {
 public:
  Reader(Input& input, const config::Config& config, const tokenizer::Tokenizer& tokenizer,
         ComparisonResult& result)
      : input_(input),
        config_(config),
        tokenizer_(tokenizer),
        convert_(make_comparison_reader(input.dataset, config, tokenizer, &result.warnings)),
        result_(result) {}

  ComparisonReport read(std::int64_t& position, std::int64_t first, std::int64_t last) {
    report_.path = input_.dataset.path;
    report_.type = input_.dataset.user_defined.empty() ? input_.dataset.type : "user-defined";
    if (report_.type.empty()) report_.type = "passthrough";
    for (const std::string& text : input_.rows.broken) count_broken(report_, text);
    report_.rows_read = report_.dropped_broken;
    RowParser parser;
    for (const RowRef& ref : input_.rows.rows) {
      ++report_.rows_read;
      const SourceFile& file = input_.files[ref.file];
      ShownComparison row;
      row.type = report_.type;
      try {
        const Row& parsed = parser.parse(file, ref);
        row.row = convert_(parsed);
        report_.notes.add(parsed.notes());
      } catch (const RowError& e) {
        count_broken(report_, file.path + ":" + std::to_string(ref.line) + ": " + e.why +
                                  hint_of_document(file, ref));
        continue;
      } catch (const Error& e) {
        if (e.code() != ErrorCode::data) throw;
        count_broken(report_, file.path + ":" + std::to_string(ref.line) + ": " + e.message());
        continue;
      }
      if (!count(row, file, ref)) continue;
      if (position >= first && position < last) result_.shown.push_back(std::move(row));
      ++position;
    }
    return report_;
  }

 private:
  /// Whether a row is kept; its texts are cut if they may be.
  bool count(ShownComparison& row, const SourceFile& file, const RowRef& ref) {
    Fit fit = Fit::fits;
    if (row.row.steps.empty()) {
      ComparisonLengths lengths;
      fit = fit_comparison(row.row, tokenizer_, config_.sequence_len,
                           config_.excess_length_strategy, lengths);
      row.prompt_tokens = lengths.prompt;
      row.chosen_tokens = lengths.chosen;
      row.rejected_tokens = lengths.rejected;
    } else {
      const Sample tokens =
          stepwise_tokens(row.row, input_.dataset, tokenizer_, config_.sequence_len);
      row.prompt_tokens =
          static_cast<std::int64_t>(tokenizer_.encode(row.row.prompt, false).size());
      row.chosen_tokens = static_cast<std::int64_t>(tokens.input_ids.size()) - row.prompt_tokens;
      if (row.prompt_tokens + row.chosen_tokens > config_.sequence_len) fit = Fit::too_long;
    }
    if (fit == Fit::too_long) {
      const std::int64_t longest =
          row.prompt_tokens + std::max(row.chosen_tokens, row.rejected_tokens);
      if (config_.excess_length_strategy == "raise")
        refuse_long_row(longest, config_.sequence_len, file.path, ref.line);
      ++report_.dropped_too_long;
      return false;
    }
    report_.truncated += fit == Fit::cut ? 1 : 0;
    ++report_.rows_kept;
    report_.prompt_tokens += row.prompt_tokens;
    report_.chosen_tokens += row.chosen_tokens;
    report_.rejected_tokens += row.rejected_tokens;
    report_.identical += row.row.steps.empty() && row.row.chosen == row.row.rejected;
    report_.desirable += row.row.desirable.value_or(false);
    for (const Step& step : row.row.steps) {
      ++report_.steps;
      report_.right_steps += step.label == 1;
    }
    return true;
  }

  Input& input_;
  const config::Config& config_;
  const tokenizer::Tokenizer& tokenizer_;
  ComparisonReader convert_;
  ComparisonResult& result_;
  ComparisonReport report_;
};

}  // namespace

bool has_comparisons(const config::Config& config) {
  return std::any_of(config.datasets.begin(), config.datasets.end(),
                     [&](const config::DatasetConfig& d) { return is_comparison(config, d); });
}

ComparisonResult read_comparisons(const config::Config& config,
                                  const tokenizer::Tokenizer& tokenizer, std::int64_t first,
                                  std::int64_t count) {
  ComparisonResult result;
  std::int64_t position = 0;
  for (Input& input : open_inputs(config.datasets)) {
    if (!is_comparison(config, input.dataset))
      throw Error(ErrorCode::config, "dataset '" + input.dataset.path + "' of type " +
                                         input.dataset.type +
                                         " cannot be mixed with rows of a reward model")
          .at(input.dataset.where);
    read_rows(input, static_cast<std::uint64_t>(config.seed));
    ComparisonReport r =
        Reader(input, config, tokenizer, result).read(position, first, first + count);
    require_usable_rows(input, r);
    if (r.identical > 0)
      result.warnings.push_back(
          fmt::format("dataset {}: chosen and rejected are the same text in {} of {} rows", r.path,
                      r.identical, r.rows_kept));
    for (const std::string& note : note_lines(r.notes))
      result.warnings.push_back("dataset " + r.path + ": " + note);
    result.reports.push_back(std::move(r));
  }
  return result;
}

std::vector<std::string> report_lines(const ComparisonReport& r) {
  std::vector<std::string> out;
  std::string dropped;
  if (r.dropped_broken > 0) dropped += fmt::format("; {} broken", r.dropped_broken);
  if (r.dropped_too_long > 0) dropped += fmt::format("; {} too long", r.dropped_too_long);
  if (r.truncated > 0) dropped += fmt::format("; {} truncated", r.truncated);
  out.push_back(fmt::format("{} ({})", r.path, r.type));
  out.push_back(fmt::format("  rows     {} read, {} kept{}", r.rows_read, r.rows_kept, dropped));
  const double rows = static_cast<double>(std::max<std::int64_t>(1, r.rows_kept));
  const auto mean = [rows](std::int64_t n) { return static_cast<double>(n) / rows; };
  if (r.steps > 0)
    out.push_back(fmt::format(
        "  steps    {}, {} right ({:.1f} %), {:.1f} a row", r.steps, r.right_steps,
        100.0 * static_cast<double>(r.right_steps) / static_cast<double>(r.steps), mean(r.steps)));
  else if (r.rejected_tokens > 0)
    out.push_back(fmt::format("  tokens   a row: prompt {:.1f}, chosen {:.1f}, rejected {:.1f}",
                              mean(r.prompt_tokens), mean(r.chosen_tokens),
                              mean(r.rejected_tokens)));
  else
    out.push_back(
        fmt::format("  tokens   a row: prompt {:.1f}, answer {:.1f}; {} of {} answers are good",
                    mean(r.prompt_tokens), mean(r.chosen_tokens), r.desirable, r.rows_kept));
  for (const std::string& note : note_lines(r.notes)) out.push_back("  note     " + note);
  for (const std::string& example : r.examples) out.push_back("  broken   " + example);
  return out;
}

}  // namespace axl::data
