#include "tokenizer/jinja/filter_helpers.hpp"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "tokenizer/jinja/text.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {

Value option(const Arguments& a, std::size_t position, std::string_view name, Value fallback) {
  const Value* given = a.get(position, name);
  return given == nullptr ? std::move(fallback) : *given;
}

Value generator(List items) { return Value::series(Series::Kind::generator, std::move(items)); }

Value path_of(Interpreter& i, const Value& item, const Value& path, const Value* missing) {
  const auto or_missing = [missing](Value v) {
    return v.is_undefined() && missing != nullptr && !missing->is_none() ? *missing : v;
  };
  if (!path.is_string()) return or_missing(i.subscript(item, path));
  Value at = item;
  std::string_view rest = path.as_string();
  for (;;) {
    const std::size_t dot = rest.find('.');
    const std::string part(rest.substr(0, dot));
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    if (number && part.size() < 10) {
      at = or_missing(i.subscript(at, static_cast<std::int64_t>(std::stoi(part))));
    } else {
      at = or_missing(i.subscript(at, part));
    }
    if (dot == std::string_view::npos) return at;
    rest.remove_prefix(dot + 1);
  }
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const std::string_view written = c == '&'    ? "&amp;"
                                     : c == '<'  ? "&lt;"
                                     : c == '>'  ? "&gt;"
                                     : c == '\'' ? "&#39;"
                                     : c == '"'  ? "&#34;"
                                                 : std::string_view(&c, 1);
    out += written;
  }
  return out;
}

std::string html_of(const Value& value) {
  return value.is_markup() ? value.as_string() : html_escaped(value.str());
}

std::string capitalized(std::string_view text) {
  if (text.empty()) return "";
  const unicode::Decoded first = unicode::decode(text.data(), text.data() + text.size());
  return unicode::upper(text.substr(0, first.bytes)) + unicode::lower(text.substr(first.bytes));
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to,
                     std::int64_t count) {
  std::string out;
  std::size_t at = 0;
  if (count < 0) count = INT64_MAX;
  if (from.empty()) {  // Python puts the new text before every character and at the end
    for (; count != 0; --count) {
      out += to;
      check_size(out.size());
      if (at >= text.size()) return out;
      const std::uint32_t n = unicode::decode(text.data() + at, text.data() + text.size()).bytes;
      out += text.substr(at, n);
      at += n;
    }
    return out.append(text.substr(at));
  }
  for (; count != 0; --count) {
    const std::size_t hit = text.find(from, at);
    if (hit == std::string_view::npos) break;
    out += text.substr(at, hit - at);
    out += to;
    check_size(out.size());
    at = hit + from.size();
  }
  return out.append(text.substr(at));
}

std::vector<std::string> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string> out;
  const char* const end = text.data() + text.size();
  const char* start = text.data();
  for (const char* p = start; p < end;) {
    check_items(out.size());
    const unicode::Decoded d = unicode::decode(p, end);
    const char* after = p + d.bytes;
    const char32_t c = d.code;
    const bool breaks = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 ||
                        c == 0x2028 || c == 0x2029;
    if (breaks) {
      if (c == '\r' && after < end && *after == '\n') ++after;
      out.emplace_back(start, keep_ends ? after : p);
      start = after;
    }
    p = after;
  }
  if (start < end) out.emplace_back(start, end);
  return out;
}

std::vector<std::string> split_words(std::string_view text, std::int64_t most) {
  std::vector<std::string> out;
  text = strip_left(text);
  while (!text.empty()) {
    check_items(out.size());
    if (most >= 0 && static_cast<std::int64_t>(out.size()) >= most) {
      out.emplace_back(text);  // what is left keeps the blanks at its end
      break;
    }
    std::size_t n = 0;
    while (n < text.size()) {
      const unicode::Decoded d = unicode::decode(text.data() + n, text.data() + text.size());
      if (python_space(d.code)) break;
      n += d.bytes;
    }
    out.emplace_back(text.substr(0, n));
    text = strip_left(text.substr(n));
  }
  return out;
}

std::string padded(std::string_view text, std::int64_t width, char32_t fill, Align align) {
  const auto size = static_cast<std::int64_t>(unicode::count(text));
  if (width <= size) return std::string(text);
  check_size(static_cast<std::size_t>(width));
  const std::int64_t missing = width - size;
  // Python puts the odd one left when the width is odd.
  const std::int64_t left = align == Align::left    ? 0
                            : align == Align::right ? missing
                                                    : missing / 2 + (missing & width & 1);
  std::string out;
  for (std::int64_t i = 0; i < left; ++i) unicode::append(fill, out);
  out += text;
  for (std::int64_t i = left; i < missing; ++i) unicode::append(fill, out);
  check_size(out.size());
  return out;
}

std::optional<std::int64_t> parse_int(std::string_view text, std::int64_t base) {
  text = strip_left(strip_right(text));
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  if (base == 16 && (text.starts_with("0x") || text.starts_with("0X"))) text.remove_prefix(2);
  if (text.empty() || text[0] == '-' || base < 2 || base > 36) return std::nullopt;
  std::int64_t value = 0;
  const auto r =
      std::from_chars(text.data(), text.data() + text.size(), value, static_cast<int>(base));
  if (r.ec != std::errc() || r.ptr != text.data() + text.size()) return std::nullopt;
  return minus ? -value : value;
}

namespace {

/// Without the underscores between digits; nothing when one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  const auto alphanumeric = [&](std::size_t at) {
    return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_')
      out += text[i];
    else if (i == 0 || !alphanumeric(i - 1) || !alphanumeric(i + 1))
      return std::nullopt;
  }
  return out;
}

}  // namespace

std::optional<Value> parse_whole(std::string_view text, std::int64_t base) {
  constexpr std::size_t kMostDigits = 4300;  // Python reads no more
  text = strip_left(strip_right(text));
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  bool prefixed = false;
  for (const auto& [letter, of] : {std::pair{'x', 16}, std::pair{'o', 8}, std::pair{'b', 2}})
    if ((base == 0 || base == of) && !prefixed && text.size() > 2 && text[0] == '0' &&
        (text[1] | 0x20) == letter) {
      prefixed = true;
      base = of;
      text.remove_prefix(text[2] == '_' ? 3 : 2);
    }
  const auto digits = without_underscores(text);
  if (!digits || digits->size() > kMostDigits) return std::nullopt;
  if (base == 0) {
    // 012 is no number of Python's, 000 is.
    if (digits->starts_with('0') && digits->find_first_not_of('0') != std::string::npos)
      return std::nullopt;
    base = 10;
  }
  auto value = BigInteger::of_base(*digits, static_cast<int>(base));
  if (!value) return std::nullopt;
  return Value::integer(minus ? value->negated() : std::move(*value));
}

std::optional<double> parse_float(std::string_view given) {
  given = strip_left(strip_right(given));
  if (given.starts_with('+')) given.remove_prefix(1);
  if (given.starts_with('+')) return std::nullopt;
  const auto text = without_underscores(given);
  if (!text || text->empty()) return std::nullopt;
  double value = 0;
  const char* const end = text->data() + text->size();
  const auto r = std::from_chars(text->data(), end, value);
  if (r.ptr != end || r.ec == std::errc::invalid_argument) return std::nullopt;
  // Beyond the range of a double lies infinity, or zero.
  return r.ec == std::errc() ? value : std::strtod(text->c_str(), nullptr);
}

}  // namespace axl::tokenizer::jinja
