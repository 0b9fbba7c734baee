#include "data/sources/json_rows.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "data/sources/decode.hpp"

namespace axl::data {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// Behind the string that begins at `at`; kNone when it is not closed.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at + 1;
  }
  return kNone;
}

/// Follows one value by JSON's grammar, as far as it takes to know where the value ends and, where
/// it breaks off, at which line another one begins.
class ValueScan {
 public:
  enum class Result : std::uint8_t { complete, broken, more };

  /// With `field`, the scan ends at the list of objects under this key of the value itself.
  ValueScan(std::string_view text, std::size_t begin, std::string_view field = {})
      : text_(text), at_(begin), field_(field) {}

  Result run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (is_space(c)) {
        line_start_ |= c == '\n';
        ++at_;
        continue;
      }
      if (!step(c)) return Result::broken;
      if (found_list_) return Result::complete;
      line_start_ = false;
      if (open_.empty()) return cut_off_ ? Result::more : Result::complete;
    }
    return Result::more;
  }

  /// Behind the value; after `broken` where the next one may begin.
  std::size_t end() const { return at_; }
  bool found_list() const { return found_list_; }

 private:
  enum class Expect : std::uint8_t { value, value_or_end, key, key_or_end, colon, comma };

  bool value_expected() const {
    return expect_ == Expect::value || expect_ == Expect::value_or_end;
  }
  void value_ended() { expect_ = Expect::comma; }

  /// The value breaks off here: another begins on this line when nothing stands before it.
  bool broken() {
    if (line_start_) return false;
    at_ = std::min(text_.find('\n', at_), text_.size());
    return false;
  }

  bool step(char c) {
    switch (c) {
      case '"':
        return string();
      case '{':
      case '[':
        if (!value_expected()) return broken();
        if (c == '[' && open_.size() == 1 && watched_) {
          std::size_t first = at_ + 1;
          while (first < text_.size() && is_space(text_[first])) ++first;
          if (first == text_.size()) return cut_off();
          if (text_[first] == '{') {
            found_list_ = true;
            return true;
          }
        }
        open_ += c;
        expect_ = c == '{' ? Expect::key_or_end : Expect::value_or_end;
        ++at_;
        return true;
      case '}':
      case ']':
        if (open_.empty() || open_.back() != (c == '}' ? '{' : '[')) return broken();
        open_.pop_back();
        value_ended();
        ++at_;
        return true;
      case ':':
        if (expect_ != Expect::colon) return broken();
        expect_ = Expect::value;
        ++at_;
        return true;
      case ',':
        if (expect_ != Expect::comma || open_.empty()) return broken();
        expect_ = open_.back() == '{' ? Expect::key : Expect::value;
        ++at_;
        return true;
      default:
        if (!value_expected()) return broken();
        while (at_ < text_.size() && !is_space(text_[at_]) &&
               std::string_view(",:{}[]\"").find(text_[at_]) == kNone)
          ++at_;
        value_ended();
        return true;
    }
  }

  bool string() {
    const bool key = expect_ == Expect::key || expect_ == Expect::key_or_end;
    if (!key && !value_expected()) return broken();
    const std::size_t end = string_end(text_, at_);
    // A string has no line breaks: this one was cut off before the next line.
    const std::size_t newline = text_.substr(0, std::min(end, text_.size())).find('\n', at_);
    if (newline != kNone) {
      at_ = newline;
      return false;
    }
    if (end == kNone) return cut_off();
    if (key) {
      watched_ =
          open_.size() == 1 && !field_.empty() && text_.substr(at_ + 1, end - at_ - 2) == field_;
      expect_ = Expect::colon;
    } else {
      value_ended();
    }
    at_ = end;
    return true;
  }

  bool cut_off() {
    at_ = text_.size();
    cut_off_ = true;
    return true;
  }

  std::string_view text_;
  std::size_t at_;
  std::string_view field_;
  std::string open_;
  Expect expect_ = Expect::value;
  bool line_start_ = false, watched_ = false, found_list_ = false, cut_off_ = false;
};

/// Whether an object of this line may be followed by another one on it: `}` and then `{`.
bool may_be_joined(std::string_view line) {
  for (std::size_t at = line.find('}'); at != kNone; at = line.find('}', at + 1)) {
    std::size_t next = at + 1;
    while (next < line.size() && is_space(line[next])) ++next;
    if (next < line.size() && line[next] == '{') return true;
  }
  return false;
}

}  // namespace

void JsonRows::skip_space(std::string_view text, std::size_t& at) {
  for (; at < text.size() && is_space(text[at]); ++at) line_ += text[at] == '\n';
}

/// Without the blanks at its end.
JsonRow JsonRows::row(std::string_view text, std::size_t begin, std::size_t end) {
  const JsonRow out{begin, end - begin, line_};
  line_ +=
      static_cast<std::uint32_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                            text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
  std::size_t last = end;
  while (last > begin && is_space(text[last - 1])) --last;
  return {out.begin, last - begin, out.line};
}

/// What kind of text this is; false when more of it must come first.
bool JsonRows::begin(std::string_view text, std::size_t& at, bool last) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.size() < at + kMark.size() && !last) return false;
  if (line_ == 1 && text.substr(at).starts_with(kMark)) at += kMark.size();
  skip_space(text, at);
  if (at == text.size()) return last;
  mode_ = text[at] == '[' ? Mode::list : Mode::values;
  if (mode_ == Mode::list) {
    ++at;
  } else if (text[at] == '{' && !field_.empty()) {
    ValueScan scan(text, at, field_);
    if (scan.run() == ValueScan::Result::more && !last) {
      mode_ = Mode::start;
      return false;
    }
    if (scan.found_list()) {
      line_ += static_cast<std::uint32_t>(
          std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                     text.begin() + static_cast<std::ptrdiff_t>(scan.end()), '\n'));
      at = scan.end() + 1;
      mode_ = Mode::list;
      document_ = true;
    }
  }
  return true;
}

std::optional<JsonRow> JsonRows::next(std::string_view text, std::size_t& at, bool last) {
  if (mode_ == Mode::start && !begin(text, at, last)) return std::nullopt;
  if (mode_ == Mode::values) return next_value(text, at, last);
  if (mode_ == Mode::list)
    if (auto found = next_element(text, at, last)) return found;
  if (mode_ == Mode::document_tail) skip_tail(text, at, last);
  if (mode_ == Mode::ended && *trouble_ == '\0') {
    skip_space(text, at);
    if (at < text.size())
      trouble_ =
          document_ ? "text after the end of the document" : "text after the end of the array";
  }
  return std::nullopt;
}

std::optional<JsonRow> JsonRows::next_value(std::string_view text, std::size_t& at, bool last) {
  skip_space(text, at);
  if (at == text.size()) return std::nullopt;
  const std::size_t newline = text.find('\n', at);
  if (newline == kNone && !last) return std::nullopt;
  const std::size_t line_end = std::min(newline, text.size());
  const auto take = [&](std::size_t end) {
    const JsonRow found = row(text, at, end);
    at = end;
    return found;
  };
  if (text[at] != '{' && text[at] != '[') return take(line_end);  // no row, as its reader will say
  std::size_t stop = line_end;
  while (is_space(text[stop - 1])) --stop;
  // An object that ends with its line, before another object or the end, is a whole one: between
  // two values of the same object stands a comma. This is how almost all files look.
  if (text[at] == '{' && text[stop - 1] == '}') {
    std::size_t next = line_end;
    while (next < text.size() && is_space(text[next])) ++next;
    if (next == text.size() && !last) return std::nullopt;
    if ((next == text.size() || text[next] == '{') && !may_be_joined(text.substr(at, stop - at)))
      return take(line_end);
  }
  ValueScan scan(text, at);
  const ValueScan::Result result = scan.run();
  if (result == ValueScan::Result::more) {
    if (!last) return std::nullopt;
    return take(text.size());
  }
  // What stands behind the value on its line and begins no other belongs to it, and spoils it.
  const std::size_t line_of_end = std::min(text.find('\n', scan.end()), text.size());
  if (line_of_end == text.size() && !last) return std::nullopt;
  std::size_t behind = scan.end();
  while (behind < line_of_end && is_space(text[behind])) ++behind;
  const bool spoilt = behind < line_of_end && text[behind] != '{' && text[behind] != '[';
  return take(spoilt ? line_of_end : scan.end());
}

std::optional<JsonRow> JsonRows::next_element(std::string_view text, std::size_t& at, bool last) {
  for (;;) {
    skip_space(text, at);
    if (at < text.size() && text[at] == ',')
      ++at;
    else
      break;
  }
  if (at < text.size() && text[at] == ']') {
    ++at;
    mode_ = document_ ? Mode::document_tail : Mode::ended;
    return std::nullopt;
  }
  int depth = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    const char c = text[i];
    if (depth == 0 && (c == ',' || c == ']')) {
      const JsonRow found = row(text, at, i);
      at = i;
      return found;
    }
    if (c == '"') {
      const std::size_t end = string_end(text, i);
      if (end == kNone) break;
      i = end - 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  if (last) {  // what was complete counts
    trouble_ = at < text.size() ? "the file ends inside of this row" : "the array is not closed";
    at = text.size();
    mode_ = Mode::ended;
  }
  return std::nullopt;
}

void JsonRows::skip_tail(std::string_view text, std::size_t& at, bool last) {
  for (; at < text.size(); ++at) {
    const char c = text[at];
    line_ += c == '\n';
    if (tail_in_string_) {
      if (tail_escaped_)
        tail_escaped_ = false;
      else if (c == '\\')
        tail_escaped_ = true;
      else if (c == '"')
        tail_in_string_ = false;
    } else if (c == '"') {
      tail_in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++tail_depth_;
    } else if ((c == '}' || c == ']') && --tail_depth_ == 0) {
      ++at;
      mode_ = Mode::ended;
      return;
    }
  }
  if (!last) return;
  trouble_ = "the document is not closed";
  mode_ = Mode::ended;
}

namespace {

/// A longer row is no row: the file is not what its name says.
constexpr std::size_t kLongestRow = std::size_t{64} << 20;

/// Gives every row as one line. Rows that follow one another keep the numbers of their lines, as
/// far as none is joined to another.
class JsonLines final : public Decoder {
 public:
  JsonLines(std::string path, std::string field, bool* in_document)
      : path_(std::move(path)), rows_(std::move(field)), in_document_(in_document) {}

  void append(std::string_view piece, const TextSink& out) override {
    text_ += piece;
    if (text_.size() < wanted_) return;
    give(out, false);
    // A row that is not complete is looked at again when there is twice as much of it.
    wanted_ = 2 * text_.size();
    if (text_.size() > kLongestRow)
      throw Error(ErrorCode::data,
                  path_ + ": a row is longer than " + std::to_string(kLongestRow >> 20) + " MiB");
  }

  void finish(const TextSink& out) override {
    give(out, true);
    if (*rows_.trouble() != '\0')
      throw Error(ErrorCode::data,
                  path_ + ":" + std::to_string(rows_.line()) + ": " + rows_.trouble());
  }

 private:
  void give(const TextSink& out, bool last) {
    std::size_t at = 0;
    std::string line;
    while (const std::optional<JsonRow> row = rows_.next(text_, at, last)) {
      line.clear();
      if (!rows_.in_list())
        for (; line_ < row->line; ++line_) line += '\n';
      append_line(std::string_view(text_).substr(row->begin, row->length), line);
      out(line);
      ++line_;
    }
    text_.erase(0, at);
    if (in_document_ != nullptr && rows_.in_document()) *in_document_ = true;
  }

  /// Line breaks between the parts of a row become blanks; those inside of strings, where JSON has
  /// none, stay control characters.
  static void append_line(std::string_view row, std::string& out) {
    if (row.find('\n') == kNone) {
      out += row;
    } else {
      bool in_string = false, escaped = false;
      for (const char c : row) {
        out += c != '\n' ? c : in_string ? '\f' : ' ';
        if (escaped)
          escaped = false;
        else if (in_string && c == '\\')
          escaped = true;
        else if (c == '"')
          in_string = !in_string;
      }
    }
    out += '\n';
  }

  std::string path_;
  JsonRows rows_;
  bool* in_document_;
  std::string text_;
  std::size_t wanted_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace

std::unique_ptr<Decoder> json_decoder(std::string path, std::string field, bool* in_document) {
  return std::make_unique<JsonLines>(std::move(path), std::move(field), in_document);
}

}  // namespace axl::data
