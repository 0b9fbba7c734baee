#include "config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/ascii.hpp"
#include "core/json.hpp"
#include "core/pattern.hpp"

namespace axl::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The scalar without blanks around it and without YAML's digit underscores.
std::string number_text(const std::string& text) {
  const std::size_t from = text.find_first_not_of(" \t\n");
  if (from == std::string::npos) return "";
  std::string s = text.substr(from, text.find_last_not_of(" \t\n") - from + 1);
  for (std::size_t i = 1; i + 1 < s.size(); ++i)
    if (s[i] == '_' && is_digit(s[i - 1]) && is_digit(s[i + 1])) s.erase(i, 1);
  if (s.size() > 1 && s[0] == '+') s.erase(0, 1);
  return s;
}

// The patterns of PyYAML's resolver for YAML 1.1 (yaml.org, language-independent types int, float,
// timestamp); a number is far shorter than kLongest.
constexpr std::size_t kLongest = 64;
bool matches(const std::string& text, const Pattern& pattern) {
  return text.size() <= kLongest && pattern.fullmatch(text);
}
bool is_yaml_integer(const std::string& text) {
  static const Pattern pattern(
      "[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|"
      "[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+");
  return matches(text, pattern);
}
bool is_yaml_float(const std::string& text) {
  static const Pattern pattern(
      "[-+]?[0-9][0-9_]*\\.[0-9_]*([eE][-+][0-9]+)?|\\.[0-9][0-9_]*([eE][-+][0-9]+)?|"
      "[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN)");
  return matches(text, pattern);
}
bool is_yaml_date(const std::string& text) {
  static const Pattern pattern(
      "[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)"
      "[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?");
  return matches(text, pattern);
}
/// Begins as a number or a date does: what spares nearly every text the patterns.
bool may_be_number(const std::string& text) {
  return !text.empty() && (is_digit(text[0]) || text[0] == '+' || text[0] == '-' || text[0] == '.');
}
bool is_yaml_number(const std::string& text) {
  return may_be_number(text) && (is_yaml_integer(text) || is_yaml_float(text));
}
bool is_octal(const std::string& text) {
  const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  return text.size() > sign + 1 && text[sign] == '0' &&
         (is_digit(text[sign + 1]) || text[sign + 1] == '_');
}

/// What PyYAML makes of a text that is_yaml_number(); infinities stay as they are written.
nlohmann::ordered_json number_json(std::string text) {
  std::erase(text, '_');
  const std::string as_written = text;
  const bool negative = text[0] == '-';
  if (text[0] == '-' || text[0] == '+') text.erase(0, 1);
  const auto whole = [&](std::size_t from, int base) -> nlohmann::ordered_json {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [p, ec] = std::from_chars(text.data() + from, end, value, base);
    if (ec != std::errc() || p != end) return as_written;
    return negative ? -value : value;
  };
  if (text.find(':') != std::string::npos) {  // sixties: 1:30 is 90
    double value = 0;
    for (std::size_t from = 0; from <= text.size();) {
      const std::size_t end = std::min(text.find(':', from), text.size());
      value = value * 60 + std::strtod(text.substr(from, end - from).c_str(), nullptr);
      from = end + 1;
    }
    if (negative) value = -value;
    if (text.find('.') == std::string::npos) return static_cast<std::int64_t>(value);
    return value;
  }
  if (text.starts_with("0b")) return whole(2, 2);
  if (text.starts_with("0x")) return whole(2, 16);
  if (text.find('.') == std::string::npos) return is_octal(text) ? whole(1, 8) : whole(0, 10);
  double value = 0;
  const auto [p, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || p != text.data() + text.size()) return as_written;
  return negative ? -value : value;
}

nlohmann::ordered_json json_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return nullptr;
    case Node::Kind::sequence: {
      auto out = nlohmann::ordered_json::array();
      for (const Node& item : node.items) out.push_back(json_of(item));
      return out;
    }
    case Node::Kind::map: {
      auto out = nlohmann::ordered_json::object();
      for (const Entry& e : node.entries) out[e.key] = json_of(e.value);
      return out;
    }
    case Node::Kind::scalar:
      break;
  }
  bool b = false;
  if (node.plain && is_yaml_bool(node.text, b)) return b;
  if (node.plain && is_yaml_number(node.text)) return number_json(node.text);
  return node.text;
}

}  // namespace

std::optional<bool> as_bool(const Node& node) {
  if (node.kind != Node::Kind::scalar) return std::nullopt;
  const std::string s = ascii_lower(node.text);
  if (s == "true" || s == "yes" || s == "on" || s == "1" || s == "t" || s == "y") return true;
  if (s == "false" || s == "no" || s == "off" || s == "0" || s == "f" || s == "n") return false;
  if (node.plain && may_be_number(s) && is_yaml_float(s)) {  // 1.0 is true to pydantic
    const auto number = as_number(node);
    if (number && (*number == 0.0 || *number == 1.0)) return *number == 1.0;
  }
  return std::nullopt;
}

std::optional<std::int64_t> as_integer(const Node& node) {
  if (node.kind != Node::Kind::scalar) return std::nullopt;
  const std::string s = number_text(node.text);
  if (s.empty()) return std::nullopt;
  const std::size_t sign = s[0] == '-' ? 1 : 0;
  if (s.size() > sign + 1 && s[sign] == '0' && is_digit(s[sign + 1])) return std::nullopt;
  std::int64_t value = 0;
  const char* end = s.data() + s.size();
  if (s.size() > sign + 2 && s[sign] == '0' && (s[sign + 1] | 0x20) == 'x') {
    const auto [p, ec] = std::from_chars(s.data() + sign + 2, end, value, 16);
    if (ec != std::errc() || p != end || s[sign + 2] == '-') return std::nullopt;
    return sign ? -value : value;
  }
  const auto [p, ec] = std::from_chars(s.data(), end, value);
  if (ec == std::errc() && p == end) return value;
  if (s.find_first_of("eE") != std::string::npos && !(node.plain && is_yaml_float(node.text)))
    return std::nullopt;
  const auto number = as_number(node);
  if (!number || *number != std::floor(*number) || std::abs(*number) > 9e15) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::optional<double> as_number(const Node& node) {
  if (node.kind != Node::Kind::scalar) return std::nullopt;
  const std::string s = number_text(node.text);
  if (s.empty()) return std::nullopt;
  if (node.plain && is_yaml_integer(node.text)) {
    if (is_octal(node.text)) return std::nullopt;
    if (s.find_first_of("xX") != std::string::npos) {
      const auto whole = as_integer(node);
      return whole ? std::optional<double>(static_cast<double>(*whole)) : std::nullopt;
    }
  }
  double value = 0.0;
  const char* end = s.data() + s.size();
  const auto [p, ec] = std::from_chars(s.data(), end, value);
  if (ec != std::errc() || p != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::string> as_text(const Node& node) {
  bool b = false;
  if (node.kind != Node::Kind::scalar || (node.plain && is_yaml_bool(node.text, b)))
    return std::nullopt;
  const bool in_file = node.line > 0;
  if (in_file && node.plain && may_be_number(node.text) &&
      (is_yaml_number(node.text) || is_yaml_date(node.text)))
    return std::nullopt;
  return node.text;
}

std::string quoting_hint(const Node& node) {
  if (node.kind != Node::Kind::scalar || !node.plain) return "";
  bool b = false;
  const char* what = is_yaml_bool(node.text, b)  ? "boolean"
                     : !may_be_number(node.text) ? nullptr
                     : is_yaml_number(node.text) ? "number"
                     : is_yaml_date(node.text)   ? "date"
                                                 : nullptr;
  return what ? fmt::format("YAML reads this bare word as a {}; put it in quotes", what) : "";
}

std::string found(const Node& node) {
  bool b = false;
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::sequence:
      return fmt::format("a list of {}", node.items.size());
    case Node::Kind::map:
      return "a map";
    case Node::Kind::scalar:
      break;
  }
  if (node.plain && is_yaml_bool(node.text, b)) return fmt::format("the boolean {}", node.text);
  constexpr std::size_t kShown = 60;
  if (node.text.size() <= kShown) return fmt::format("'{}'", node.text);
  std::size_t cut = kShown;  // not inside a UTF-8 sequence
  while (cut > 0 && (static_cast<unsigned char>(node.text[cut]) & 0xC0) == 0x80) --cut;
  return fmt::format("'{}...' ({} bytes)", node.text.substr(0, cut), node.text.size());
}

bool is_on(const Node& node) {
  if (node.kind == Node::Kind::sequence) return !node.items.empty();
  if (node.kind == Node::Kind::map) return !node.entries.empty();
  if (node.text.empty()) return false;
  const auto number = as_number(node);
  const auto flag = as_bool(node);
  return !(number && *number == 0.0) && !(flag && !*flag);
}

std::string to_json(const Node& node) { return json_text(json_of(node)); }

}  // namespace axl::config
