#include <algorithm>
#include <iterator>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/utf8.hpp"
#include "data/sources/decode.hpp"

namespace axl::data {
namespace {

/// Fields and columns beyond these stem from a file that is no CSV (an unclosed quote).
constexpr std::size_t kMostFieldBytes = std::size_t{256} << 20;
constexpr std::size_t kMostColumns = 10000;

/// The default na_values of pandas 2, by which `datasets` reads CSV files.
constexpr std::string_view kMissing[] = {
    "",     "#N/A", "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A",  "NA",       "NULL", "NaN",     "None",     "n/a",  "nan",  "null"};

bool is_missing(std::string_view cell) {
  constexpr std::size_t kLongest = 8;
  return cell.size() <= kLongest &&
         std::find(std::begin(kMissing), std::end(kMissing), cell) != std::end(kMissing);
}

class Csv final : public Decoder {
 public:
  Csv(std::string path, std::vector<std::uint32_t>* lines, char separator)
      : path_(std::move(path)), lines_(lines), separator_(separator) {}
  void append(std::string_view piece, const TextSink& out) override;
  void finish(const TextSink& out) override;

 private:
  void end_field();
  void end_record(const TextSink& out);
  enum class State { field_start, plain, quoted, quote_in_quoted };
  std::string path_;
  std::vector<std::uint32_t>* lines_;
  char separator_;
  State state_ = State::field_start;
  std::string field_;
  std::vector<std::string> header_, fields_;
  bool has_header_ = false, skip_line_feed_ = false;
  std::uint64_t line_ = 1, record_line_ = 1;
};

}  // namespace

void append_json_string(std::string& out, std::string_view text) { out += json_string(text); }

void Csv::append(std::string_view text, const TextSink& out) {
  for (const char c : text) {
    if (skip_line_feed_) {
      skip_line_feed_ = false;
      if (c == '\n') continue;
    }
    if (c == '\n') ++line_;
    switch (state_) {
      case State::quoted:
        if (c == '"')
          state_ = State::quote_in_quoted;
        else
          field_ += c;
        if (field_.size() > kMostFieldBytes)
          throw Error(ErrorCode::data,
                      path_ + ":" + std::to_string(record_line_) + ": a quoted field does not end");
        continue;
      case State::quote_in_quoted:
        if (c == '"') {  // "" inside of quotes is one quote
          field_ += c;
          state_ = State::quoted;
          continue;
        }
        state_ = State::plain;
        break;
      case State::field_start:
        if (c == '"') {
          state_ = State::quoted;
          continue;
        }
        state_ = State::plain;
        break;
      case State::plain:
        break;
    }
    if (c == separator_) {
      end_field();
    } else if (c == '\n' || c == '\r') {
      skip_line_feed_ = c == '\r';
      if (c == '\r') ++line_;
      end_record(out);
    } else {
      field_ += c;
    }
  }
}

void Csv::end_field() {
  if (const std::size_t bad = first_not_utf8(field_); bad != std::string_view::npos) {
    const std::string encoding = likely_encoding(field_, bad);
    throw Error(ErrorCode::data, why_not_utf8(field_, bad, encoding) + ", in cell " +
                                     std::to_string(fields_.size() + 1))
        .at({path_, static_cast<int>(record_line_), 0, ""})
        .hint(hint_of_encoding(encoding));
  }
  fields_.push_back(std::move(field_));
  field_.clear();
  state_ = State::field_start;
  if (fields_.size() > kMostColumns)
    throw Error(ErrorCode::data, path_ + ":" + std::to_string(record_line_) + ": more than " +
                                     std::to_string(kMostColumns) + " columns");
}

void Csv::end_record(const TextSink& out) {
  const bool blank = fields_.empty() && field_.empty();
  end_field();
  if (blank) {
    fields_.clear();
    record_line_ = line_;
    return;
  }
  if (!has_header_) {
    has_header_ = true;
    header_ = std::move(fields_);
    if (header_.front().starts_with("\xEF\xBB\xBF")) header_.front().erase(0, 3);
  } else {
    // A row of the wrong length keeps its place, so that it is counted and shown as broken.
    std::string row;
    if (lines_ != nullptr) lines_->push_back(static_cast<std::uint32_t>(record_line_));
    if (fields_.size() > header_.size()) {
      append_json_string(row, std::string(kNoRow) + "the row has " +
                                  std::to_string(fields_.size()) + " cells, the header has " +
                                  std::to_string(header_.size()));
    } else {
      row += '{';
      for (std::size_t i = 0; i < header_.size(); ++i) {
        if (i > 0) row += ", ";
        append_json_string(row, header_[i]);
        row += ": ";
        if (i < fields_.size() && !is_missing(fields_[i]))
          append_json_string(row, fields_[i]);
        else
          row += "null";
      }
      row += '}';
    }
    row += '\n';
    out(row);
  }
  fields_.clear();
  record_line_ = line_;
}

void Csv::finish(const TextSink& out) {
  if (state_ == State::quoted)
    throw Error(ErrorCode::data,
                path_ + ":" + std::to_string(record_line_) + ": a quoted field does not end");
  if (!fields_.empty() || !field_.empty()) end_record(out);
}

std::unique_ptr<Decoder> csv_decoder(std::string path, std::vector<std::uint32_t>* lines,
                                     char separator) {
  return std::make_unique<Csv>(std::move(path), lines, separator);
}

}  // namespace axl::data
