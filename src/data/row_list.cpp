#include <charconv>
#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "data/source.hpp"

// Where rows begin and end in the text of a file.

namespace axl::data {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::string place(const SourceFile& file, std::uint64_t line) {
  return file.path + ":" + std::to_string(line) + ": ";
}

void find_lines(const SourceFile& file, std::uint32_t file_index, bool keep_blank, RowList& out) {
  const std::string_view text = file.bytes();
  const std::size_t before = out.rows.size();
  std::uint32_t line = 0;
  std::size_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (begin < text.size()) {
    ++line;
    std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    std::size_t first = begin, last = end;
    if (keep_blank) {
      if (last > first && text[last - 1] == '\r') --last;
    } else {
      while (first < last && is_space(text[first])) ++first;
      while (last > first && is_space(text[last - 1])) --last;
    }
    const std::size_t number = out.rows.size() - before;
    if (last > first || keep_blank)
      out.rows.push_back({first, last - first, file_index,
                          number < file.lines.size() ? file.lines[number] : line});
    begin = end + 1;
  }
}

/// Elements of a top-level array by bracket depth; the rows themselves are parsed later, so that a
/// broken one spoils only itself.
void find_elements(const SourceFile& file, std::uint32_t file_index, std::size_t begin,
                   RowList& out) {
  const std::string_view text = file.bytes();
  std::uint32_t line = 1;
  for (std::size_t i = 0; i < begin; ++i) line += text[i] == '\n';
  std::size_t row_begin = 0;
  std::uint32_t row_line = 0;
  bool in_row = false, closed = false;
  int depth = 0;
  const auto finish = [&](std::size_t end) {
    if (!in_row) return;
    while (end > row_begin && is_space(text[end - 1])) --end;
    out.rows.push_back({row_begin, end - row_begin, file_index, row_line});
    in_row = false;
  };
  std::size_t i = begin + 1;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      continue;
    }
    if (is_space(c)) continue;
    if (depth == 0 && c == ']') {
      finish(i);
      closed = true;
      break;
    }
    if (depth == 0 && c == ',') {
      finish(i);
      continue;
    }
    if (!in_row) {
      in_row = true;
      row_begin = i;
      row_line = line;
    }
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
        if (i < text.size() && text[i] == '\n') ++line;
      }
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  if (!closed) {
    // Cut off: what was complete counts, the rest is one broken row.
    out.broken.push_back(place(file, in_row ? row_line : line) +
                         (in_row ? "the file ends inside of this row" : "the array is not closed"));
    return;
  }
  for (++i; i < text.size(); ++i) {
    line += text[i] == '\n';
    if (!is_space(text[i])) {
      out.broken.push_back(place(file, line) + "text after the end of the array");
      return;
    }
  }
}

}  // namespace

void find_rows(SourceFile& file, std::uint32_t file_index, RowList& out) {
  if (file.needs_decoding()) decode(file);
  const std::string_view text = file.bytes();
  // In JSON a single row may be broken; a file of another encoding altogether is not JSON at all.
  if (file.kind == FileKind::text || !wide_encoding(text).empty())
    require_utf8(text, file.path, ErrorCode::data);
  if (file.kind == FileKind::text) return find_lines(file, file_index, true, out);
  std::size_t first = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (first < text.size() && is_space(text[first])) ++first;
  if (first < text.size() && text[first] == '[') {
    // A .jsonl line may not be an array, so this is an array in a file of the wrong name.
    return find_elements(file, file_index, first, out);
  }
  find_lines(file, file_index, false, out);
}

std::pair<std::size_t, std::size_t> split_range(const std::string& split, std::size_t rows,
                                                const UserLocation& where) {
  const auto bad = [&](const std::string& why) -> Error {
    return Error(ErrorCode::config, "split '" + split + "' " + why)
        .at(where)
        .hint("allowed: train, train[:500], train[100:], train[10%:20%], train[-50:]");
  };
  if (split.find('+') != std::string::npos)
    throw bad("joins several splits, which is not supported: list the dataset once for each");
  // A word in parentheses says how percentages are rounded.
  std::string slice = split;
  bool by_whole_percents = false;
  if (const std::size_t word = slice.find('('); word != std::string::npos) {
    by_whole_percents = slice.substr(word) == "(pct1_dropremainder)";
    if (!by_whole_percents && slice.substr(word) != "(closest)")
      throw bad("has a rounding that is neither (closest) nor (pct1_dropremainder)");
    slice.resize(word);
  }
  const std::size_t open = slice.find('[');
  if (open == std::string::npos) return {0, rows};
  if (slice.back() != ']') throw bad("has no closing bracket");
  const std::string inside = slice.substr(open + 1, slice.size() - open - 2);
  const std::size_t colon = inside.find(':');
  if (colon == std::string::npos) throw bad("has no ':' between its brackets");
  // One sign makes both bounds percentages, as in Hugging Face's library.
  const bool percent = inside.find('%') != std::string::npos;
  const auto bound = [&](std::string text, std::size_t missing) -> std::size_t {
    if (text.empty()) return missing;
    if (text.back() == '%') text.pop_back();
    std::string digits = text;
    std::erase(digits, '_');  // 10_000
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size())
      throw bad("has a bound that is not a whole number or percentage: '" + text + "'");
    if (percent && (value > 100 || value < -100)) throw bad("has a percentage above 100");
    if (percent && by_whole_percents)
      value *= static_cast<std::int64_t>(rows / 100);
    else if (percent)
      value = std::llrint(static_cast<double>(value) * static_cast<double>(rows) / 100.0);
    if (value < 0) value = std::max<std::int64_t>(0, value + static_cast<std::int64_t>(rows));
    return std::min(static_cast<std::size_t>(value), rows);
  };
  const std::size_t begin = bound(inside.substr(0, colon), 0);
  const std::size_t end = bound(inside.substr(colon + 1), rows);
  return {begin, std::max(begin, end)};
}

}  // namespace axl::data
