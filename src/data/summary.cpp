#include "data/summary.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace axl::data {

std::vector<LengthClass> length_histogram(const PreparedDataset& dataset, std::int64_t longest,
                                          std::int64_t classes) {
  std::vector<LengthClass> out;
  if (dataset.rows() == 0 || longest < 1 || classes < 1) return out;
  const std::int64_t width = (longest + classes - 1) / classes;
  for (std::int64_t from = 1; from <= longest; from += width)
    out.push_back({from, std::min(from + width - 1, longest), 0});
  for (std::int64_t i = 0; i < dataset.rows(); ++i) {
    const std::int64_t at = std::max<std::int64_t>(dataset.length(i) - 1, 0) / width;
    ++out[static_cast<std::size_t>(std::min(at, static_cast<std::int64_t>(out.size()) - 1))].rows;
  }
  return out;
}

std::vector<std::string> report_lines(const DatasetReport& r) {
  std::string dropped;
  const auto count = [&](std::int64_t n, const char* what) {
    if (n > 0) dropped += fmt::format("{}{} {}", dropped.empty() ? "" : ", ", n, what);
  };
  count(r.dropped_broken, "broken");
  count(r.dropped_too_long, "too long");
  count(r.dropped_too_short, "too short");
  count(r.dropped_no_labels, "without labels");
  count(r.deduplicated, "duplicates");
  std::vector<std::string> out;
  out.push_back(fmt::format("{} ({})", r.path, r.type));
  out.push_back(fmt::format("  rows     {} read, {} samples kept{}{}", r.rows_read, r.rows_kept,
                            dropped.empty() ? "" : "; dropped: " + dropped,
                            r.truncated > 0 ? fmt::format("; {} truncated", r.truncated) : ""));
  const double share =
      r.tokens > 0 ? 100.0 * static_cast<double>(r.label_tokens) / static_cast<double>(r.tokens)
                   : 0.0;
  out.push_back(
      fmt::format("  tokens   {}, trained on {} ({:.1f} %)", r.tokens, r.label_tokens, share));
  for (const std::string& example : r.examples) out.push_back("  broken   " + example);
  return out;
}

std::vector<MaskedText> masked_text(const SampleView& row, const tokenizer::Tokenizer& tokenizer) {
  std::vector<MaskedText> out;
  const std::size_t n = row.input_ids.size();
  for (std::size_t begin = 0; begin < n;) {
    const bool trained = row.labels[begin] != kIgnore;
    std::size_t end = begin;
    while (end < n && (row.labels[end] != kIgnore) == trained) ++end;
    out.push_back({tokenizer.decode(row.input_ids.subspan(begin, end - begin), false), trained});
    begin = end;
  }
  return out;
}

}  // namespace axl::data
