#include "core/parameter_pattern.hpp"

#include <algorithm>
#include <charconv>

#include "core/error.hpp"

namespace axl {
namespace {

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw Error(ErrorCode::input, "'" + text + "' " + why);
}

std::int64_t row_number(const std::string& digits, const std::string& text) {
  std::int64_t row = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), row).ec != std::errc())
    refuse(text, "names a row beyond all that there are");
  return row;
}

std::string with_literal_dots(const std::string& pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      out += pattern.substr(i++, 2);
      continue;
    }
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (pattern[i] == '.' && next != '*' && next != '+') out += '\\';
    out += pattern[i];
  }
  return out;
}

}  // namespace

ParameterPattern::ParameterPattern(const std::string& text) : ParameterPattern(text, split(text)) {}

ParameterPattern::ParameterPattern(const std::string& text, Parts parts)
    : text_(text), parts_(std::move(parts)), pattern_(with_literal_dots(parts_.name)) {}

ParameterPattern::Parts ParameterPattern::split(const std::string& text) {
  Parts parts{.name = text};
  const std::size_t open = text.rfind('[');
  if (open == 0 || open == std::string::npos || text.back() != ']') return parts;
  const std::string inside = text.substr(open + 1, text.size() - open - 2);
  const std::size_t colon = inside.find(':');
  const std::string first = inside.substr(0, colon);
  const std::string last = colon == std::string::npos ? "" : inside.substr(colon + 1);
  if (inside.empty() || (first + last).find_first_not_of("0123456789") != std::string::npos)
    return parts;  // a class of characters
  parts.name = text.substr(0, open);
  parts.ranged = true;
  if (!first.empty()) parts.begin = row_number(first, text);
  if (!last.empty()) parts.end = row_number(last, text);
  if (colon == std::string::npos) parts.end = parts.begin + 1;
  if (parts.end && *parts.end <= parts.begin) refuse(text, "ends before it begins");
  return parts;
}

std::optional<RowRange> ParameterPattern::rows(std::int64_t all) const {
  if (!parts_.ranged) return std::nullopt;
  const std::int64_t end = parts_.end.value_or(all);
  if (end > all || parts_.begin >= end)
    refuse(text_, "leads beyond the " + std::to_string(all) + " rows of a parameter");
  return RowRange{parts_.begin, end};
}

std::vector<RowRange> rows_outside(std::vector<RowRange> ranges, std::int64_t all) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<RowRange> out;
  std::int64_t at = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin > at) out.emplace_back(at, begin);
    at = std::max(at, end);
  }
  if (at < all) out.emplace_back(at, all);
  return out;
}

}  // namespace axl
