#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "data/row.hpp"
#include "data/source.hpp"
#include "data/sources/json_rows.hpp"

// Where rows begin and end in the text of a file.

namespace axl::data {
namespace {

std::string place(const SourceFile& file, std::uint64_t line) {
  return file.path + ":" + std::to_string(line) + ": ";
}

void find_lines(const SourceFile& file, std::uint32_t file_index, RowList& out) {
  const std::string_view text = file.bytes();
  const std::size_t before = out.rows.size();
  std::uint32_t line = 0;
  std::size_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (begin < text.size()) {
    ++line;
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const bool carriage_return = end > begin && text[end - 1] == '\r';
    const std::size_t number = out.rows.size() - before;
    out.rows.push_back({begin, end - begin - carriage_return, file_index,
                        number < file.lines.size() ? file.lines[number] : line});
    begin = end + 1;
  }
}

}  // namespace

void find_rows(SourceFile& file, std::uint32_t file_index, RowList& out) {
  if (file.needs_decoding()) decode(file);
  const std::string_view text = file.bytes();
  // In JSON a single row may be broken; a file of another encoding altogether is not JSON at all.
  if (file.kind == FileKind::text || !wide_encoding(text).empty())
    require_utf8(text, file.path, ErrorCode::data);
  if (file.kind == FileKind::text || !file.lines.empty()) return find_lines(file, file_index, out);
  JsonRows rows(file.field);
  std::size_t at = 0;
  while (const std::optional<JsonRow> row = rows.next(text, at, true))
    out.rows.push_back({row->begin, row->length, file_index, row->line});
  out.of_field |= rows.in_document();
  if (*rows.trouble() != '\0') out.broken.push_back(place(file, rows.line()) + rows.trouble());
}

std::string hint_of_document(const SourceFile& file, const RowRef& ref) {
  constexpr std::size_t kMostAround = 64;  // a byte order mark and blanks
  const std::string_view text = file.bytes();
  if (file.kind == FileKind::text || !file.field.empty() || text.size() > ref.length + kMostAround)
    return "";
  const std::string_view around[] = {text.substr(0, ref.offset),
                                     text.substr(ref.offset + ref.length)};
  for (std::string_view part : around) {
    if (part.starts_with("\xEF\xBB\xBF")) part.remove_prefix(3);
    if (part.find_first_not_of(" \t\r\n") != std::string_view::npos) return "";
  }
  try {
    RowParser parser;
    return hint_of_list(parser.parse(file, ref));
  } catch (const RowError&) {
    return "";
  }
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
