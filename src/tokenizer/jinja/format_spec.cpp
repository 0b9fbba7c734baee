#include <fmt/format.h>

#include <cmath>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/interpreter.hpp"
#include "tokenizer/unicode.hpp"

// The format specifications of str.format(): [[fill]align][sign][#][0][width][,][.precision][type].

namespace axl::tokenizer::jinja {
namespace {

constexpr std::int64_t kWidest = 100000;

struct Spec {
  char32_t fill = U' ';
  char align = 0;
  char sign = '-';
  bool alternate = false;
  char grouping = 0;
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char type = 0;
};

bool is_align(char32_t c) { return c == U'<' || c == U'>' || c == U'^' || c == U'='; }

Spec read_spec(const std::string& given) {
  const std::u32string text = unicode::to_utf32(given);
  const auto refuse = [&] { fail("Invalid format specifier '" + given + "'"); };
  Spec s;
  std::size_t p = 0;
  const auto at = [&](std::size_t i) { return i < text.size() ? text[i] : U'\0'; };
  const auto number = [&](std::int64_t& out) {
    out = 0;
    while (at(p) >= U'0' && at(p) <= U'9' && out <= kWidest)
      out = out * 10 + static_cast<std::int64_t>(text[p++] - U'0');
    if (out > kWidest)
      fail("a format asks for more than " + std::to_string(kWidest) + " characters");
  };
  if (is_align(at(1))) {
    s.fill = text[0];
    s.align = static_cast<char>(text[1]);
    p = 2;
  } else if (is_align(at(0))) {
    s.align = static_cast<char>(text[0]);
    p = 1;
  }
  if (at(p) == U'+' || at(p) == U'-' || at(p) == U' ') s.sign = static_cast<char>(text[p++]);
  if (at(p) == U'#') {
    s.alternate = true;
    ++p;
  }
  if (at(p) == U'0') {
    ++p;
    if (s.align == 0) {
      s.align = '=';
      s.fill = U'0';
    }
  }
  number(s.width);
  if (at(p) == U',' || at(p) == U'_') s.grouping = static_cast<char>(text[p++]);
  if (at(p) == U'.') {
    const std::size_t before = ++p;
    number(s.precision);
    if (p == before) refuse();
  }
  if (p < text.size()) s.type = text[p] < 0x80 ? static_cast<char>(text[p++]) : '\0';
  if (p < text.size()) refuse();
  return s;
}

/// A separator between every `digits` digits of the integer part.
std::string grouped(const std::string& text, char separator, std::size_t digits) {
  if (separator == 0) return text;
  std::size_t end = 0;
  while (end < text.size() && std::isalnum(static_cast<unsigned char>(text[end])) != 0) ++end;
  std::string out = text.substr(end);
  for (std::size_t n = 0; n < end; ++n) {
    if (n > 0 && n % digits == 0) out.insert(out.begin(), separator);
    out.insert(out.begin(), text[end - 1 - n]);
  }
  return out;
}

std::string upper_case(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

/// The digits of a number's absolute value, with the prefix that `#` asks for.
std::pair<std::string, std::string> whole_digits(const Spec& s, const BigInteger& value) {
  const auto prefix = [&](const char* p) { return s.alternate ? p : ""; };
  switch (s.type) {
    case 'b':
      return {prefix("0b"), grouped(value.digits(2), s.grouping, 4)};
    case 'o':
      return {prefix("0o"), grouped(value.digits(8), s.grouping, 4)};
    case 'x':
      return {prefix("0x"), grouped(value.digits(16), s.grouping, 4)};
    case 'X':
      return {prefix("0X"), grouped(upper_case(value.digits(16)), s.grouping, 4)};
    default:
      return {"", grouped(value.digits(10), s.grouping, 3)};
  }
}

std::string real_digits(const Spec& s, double value) {
  const int precision = s.precision < 0 ? 6 : static_cast<int>(s.precision);
  std::string out;
  switch (s.type) {
    case 'e':
      out = fmt::format("{:.{}e}", value, precision);
      break;
    case 'E':
      out = fmt::format("{:.{}E}", value, precision);
      break;
    case 'f':
    case 'F':
      out = fmt::format("{:.{}f}", value, precision);
      break;
    case 'g':
      out = fmt::format("{:.{}g}", value, precision);
      break;
    case 'G':
      out = fmt::format("{:.{}G}", value, precision);
      break;
    case '%':
      out = fmt::format("{:.{}f}%", value * 100, precision);
      break;
    default:
      if (s.precision >= 0) fail("a precision without a type is not supported in a format");
      out = Value(value).str();
  }
  return grouped(out, s.grouping, 3);
}

}  // namespace

std::string format_spec(const Value& v, const std::string& given) {
  if (given.empty()) return v.str();
  if (v.is_undefined()) fail(v.undefined_message());
  const Spec s = read_spec(given);
  std::string sign, body;
  bool number = false;
  if (v.is_string()) {
    if (s.type != 0 && s.type != 's')
      fail(std::string("Unknown format code '") + s.type + "' for object of type 'str'");
    if (s.sign != '-' || s.align == '=')
      fail("Invalid format specifier '" + given + "' for object of type 'str'");
    auto text = unicode::to_utf32(v.as_string());
    if (s.precision >= 0 && text.size() > static_cast<std::size_t>(s.precision))
      text.resize(static_cast<std::size_t>(s.precision));
    for (const char32_t c : text) unicode::append(c, body);
  } else if (v.is_number()) {
    number = true;
    const bool whole = v.is_whole() && std::string_view("eEfFgG%").find(s.type ? s.type : 'd') ==
                                           std::string_view::npos;
    if (whole && (std::string_view("dbxXo").find(s.type ? s.type : 'd') == std::string_view::npos ||
                  s.precision >= 0))
      fail("Invalid format specifier '" + given + "' for an int");
    if (!whole && s.type != 0 && std::string_view("eEfFgG%").find(s.type) == std::string_view::npos)
      fail(std::string("Unknown format code '") + s.type + "' for object of type 'float'");
    bool negative = false;
    std::string prefix;
    if (whole) {
      const BigInteger value = v.as_big();
      negative = value.is_negative();
      std::tie(prefix, body) = whole_digits(s, value);
    } else {
      const double value = v.as_double();
      negative = std::signbit(value) && !std::isnan(value);
      body = real_digits(s, std::abs(value));
    }
    sign = (negative ? "-" : s.sign == '+' ? "+" : s.sign == ' ' ? " " : "") + prefix;
  } else {
    fail("unsupported format string passed to " + v.type_name() + ".__format__");
  }
  if (s.align == '=')
    return sign +
           padded(body, s.width - static_cast<std::int64_t>(sign.size()), s.fill, Align::right);
  const char align = s.align != 0 ? s.align : number ? '>' : '<';
  if (align != '^')
    return padded(sign + body, s.width, s.fill, align == '>' ? Align::right : Align::left);
  // Python puts the odd blank behind; str.center() may put it in front.
  const std::string text = sign + body;
  const auto size = static_cast<std::int64_t>(unicode::count(text));
  const std::int64_t before = std::max<std::int64_t>(s.width - size, 0) / 2;
  return padded(padded(text, size + before, s.fill, Align::right), s.width, s.fill, Align::left);
}

}  // namespace axl::tokenizer::jinja
