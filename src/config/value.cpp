#include "config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace axl::config {
namespace {

std::string lower(std::string s) {
  std::transform(s.begin(), s.end(), s.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return s;
}

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
  if (node.plain) {
    bool b = false;
    if (is_yaml_bool(node.text, b)) return b;
    if (const auto i = as_integer(node)) return *i;
    if (const auto d = as_number(node)) return *d;
  }
  return node.text;
}

}  // namespace

std::optional<bool> as_bool(const Node& node) {
  if (node.kind != Node::Kind::scalar) return std::nullopt;
  const std::string s = lower(node.text);
  if (s == "true" || s == "yes" || s == "on" || s == "1" || s == "t" || s == "y") return true;
  if (s == "false" || s == "no" || s == "off" || s == "0" || s == "f" || s == "n") return false;
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
  const auto number = as_number(node);
  if (!number || *number != std::floor(*number) || std::abs(*number) > 9e15) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::optional<double> as_number(const Node& node) {
  if (node.kind != Node::Kind::scalar) return std::nullopt;
  const std::string s = number_text(node.text);
  if (s.empty()) return std::nullopt;
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
  return node.text;
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

std::string to_json(const Node& node) {
  return json_of(node).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace axl::config
