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

std::string histogram_svg(const std::vector<LengthClass>& classes, const std::string& title) {
  constexpr int kWidth = 720, kHeight = 320, kLeft = 60, kRight = 10, kTop = 40, kBottom = 50;
  std::int64_t most = 1;
  for (const LengthClass& c : classes) most = std::max(most, c.rows);
  std::string escaped;
  for (const char c : title) {
    if (c == '&' || c == '<' || c == '>')
      escaped += fmt::format("&#{};", static_cast<int>(c));
    else if (static_cast<unsigned char>(c) >= 0x20)
      escaped += c;
  }
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      "<text x=\"{2}\" y=\"22\" font-size=\"15\">{3}</text>\n",
      kWidth, kHeight, kLeft, escaped);
  const double high = kHeight - kTop - kBottom;
  const double wide = static_cast<double>(kWidth - kLeft - kRight) /
                      static_cast<double>(std::max<std::size_t>(classes.size(), 1));
  for (int i = 0; i <= 4; ++i) {
    const double y = kTop + high * (1.0 - 0.25 * i);
    out += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/>\n"
        "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.0f}</text>\n",
        kLeft, kWidth - kRight, y, kLeft - 6, y + 4, 0.25 * i * static_cast<double>(most));
  }
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const LengthClass& c = classes[i];
    const double h = high * static_cast<double>(c.rows) / static_cast<double>(most);
    const double x = kLeft + wide * static_cast<double>(i);
    out += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"#2a6fb0\">"
        "<title>{} to {} tokens: {} rows</title></rect>\n",
        x + 1, kTop + high - h, std::max(1.0, wide - 2), h, c.from, c.to, c.rows);
    if (i % 2 == 0)
      out +=
          fmt::format("<text x=\"{:.1f}\" y=\"{}\">{}</text>\n", x, kHeight - kBottom + 16, c.from);
  }
  out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">tokens of a row</text>\n",
                     kWidth / 2, kHeight - 12);
  return out + "</svg>\n";
}

std::vector<std::string> note_lines(const NoteCounts& notes) {
  std::vector<std::string> out;
  const auto rows = [](std::int64_t n) { return fmt::format("{} row{}", n, n == 1 ? "" : "s"); };
  const auto fields = [&rows](const std::map<std::string, std::int64_t>& counts) {
    std::string text;
    for (const auto& [field, n] : counts)
      text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", field, rows(n));
    return text;
  };
  if (notes.duplicate_keys > 0)
    out.push_back(rows(notes.duplicate_keys) +
                  " with a key twice in one object, of which the last counts");
  if (!notes.unread.empty())
    out.push_back("the chat template never writes what the rows have under " +
                  fields(notes.unread) + ": it is not trained");
  if (!notes.only_here.empty())
    out.push_back(
        "trained here and lost in Axolotl 0.19, which does not see that the chat "
        "template reads it: " +
        fields(notes.only_here));
  return out;
}

std::string losses(const DatasetReport& r) {
  std::string dropped;
  const auto count = [&](std::int64_t n, const char* what) {
    if (n > 0) dropped += fmt::format("{}{} {}", dropped.empty() ? "" : ", ", n, what);
  };
  count(r.dropped_broken, "broken");
  count(r.dropped_too_long, "too long");
  count(r.dropped_too_short, "too short");
  count(r.dropped_no_labels, "without labels");
  count(r.dropped_empty, "without text");
  count(r.deduplicated, "duplicates");
  count(r.near_duplicates, "near duplicates");
  std::string out = dropped.empty() ? "" : "; dropped: " + dropped;
  if (r.truncated > 0)
    out += fmt::format("; {} truncated, {} tokens cut off", r.truncated, r.lost_tokens);
  return out;
}

std::vector<std::string> report_lines(const DatasetReport& r) {
  std::vector<std::string> out;
  out.push_back(fmt::format("{} ({})", r.path, r.type));
  out.push_back(
      fmt::format("  rows     {} read, {} samples kept{}", r.rows_read, r.rows_kept, losses(r)));
  const double share =
      r.tokens > 0 ? 100.0 * static_cast<double>(r.label_tokens) / static_cast<double>(r.tokens)
                   : 0.0;
  out.push_back(
      fmt::format("  tokens   {}, trained on {} ({:.1f} %)", r.tokens, r.label_tokens, share));
  if (r.rows_used != r.rows_kept)
    out.push_back(fmt::format("  used     {} rows for training (after weights and held-out rows)",
                              r.rows_used));
  for (const std::string& note : note_lines(r.notes)) out.push_back("  note     " + note);
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
