#include "data/fit_sample.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace axl::data {

void NoteCounts::add(const RowNotes& row) {
  duplicate_keys += row.duplicate_keys;
  for (const std::string& field : row.unread) ++unread[field];
  for (const std::string& field : row.only_here) ++only_here[field];
}

void NoteCounts::add(const NoteCounts& others) {
  duplicate_keys += others.duplicate_keys;
  for (const auto& [field, rows] : others.unread) unread[field] += rows;
  for (const auto& [field, rows] : others.only_here) only_here[field] += rows;
}

void DatasetReport::add(const DatasetReport& part) {
  using Count = std::int64_t DatasetReport::*;
  for (const Count count :
       {&DatasetReport::rows_read, &DatasetReport::rows_kept, &DatasetReport::dropped_broken,
        &DatasetReport::dropped_too_long, &DatasetReport::dropped_too_short,
        &DatasetReport::dropped_no_labels, &DatasetReport::dropped_empty, &DatasetReport::truncated,
        &DatasetReport::deduplicated, &DatasetReport::near_duplicates, &DatasetReport::rows_used,
        &DatasetReport::lost_tokens, &DatasetReport::tokens, &DatasetReport::label_tokens})
    this->*count += part.*count;
  notes.add(part.notes);
  for (const std::string& text : part.examples)
    if (examples.size() < kMostExamples) examples.push_back(text);
}

void refuse_long_row(std::int64_t tokens, std::int64_t sequence_len, const std::string& file,
                     std::uint64_t line) {
  throw Error(ErrorCode::data,
              "a row has " + std::to_string(tokens) + " tokens, more than sequence_len " +
                  std::to_string(sequence_len) + " (excess_length_strategy is raise)")
      .at({file, static_cast<int>(line), 0, ""});
}

bool fit_sample(Sample& sample, const LengthRule& rule, const std::string& file, std::uint64_t line,
                DatasetReport& report) {
  if (sample.too_long > 0) {
    if (rule.excess_length_strategy == "raise")
      refuse_long_row(sample.too_long, rule.sequence_len, file, line);
    ++report.dropped_too_long;
    return false;
  }
  const auto length = static_cast<std::int64_t>(sample.input_ids.size());
  if (sample.lost_tokens > 0) ++report.truncated;
  report.lost_tokens += sample.lost_tokens;
  if (length < std::max<std::int64_t>(rule.min_sample_len, 1)) {
    ++report.dropped_too_short;
    return false;
  }
  if (length > rule.sequence_len && !sample.pair) {
    if (rule.excess_length_strategy == "raise")
      refuse_long_row(length, rule.sequence_len, file, line);
    if (rule.excess_length_strategy != "truncate") {
      ++report.dropped_too_long;
      return false;
    }
    ++report.truncated;
    report.lost_tokens += length - rule.sequence_len;
    sample.input_ids.resize(static_cast<std::size_t>(rule.sequence_len));
    sample.labels.resize(static_cast<std::size_t>(rule.sequence_len));
  }
  const std::int64_t labels = std::count_if(sample.labels.begin() + 1, sample.labels.end(),
                                            [](TokenId id) { return id != kIgnore; });
  if (labels == 0) {
    ++report.dropped_no_labels;
    return false;
  }
  ++report.rows_kept;
  report.tokens += static_cast<std::int64_t>(sample.input_ids.size());
  report.label_tokens += labels;
  return true;
}

}  // namespace axl::data
