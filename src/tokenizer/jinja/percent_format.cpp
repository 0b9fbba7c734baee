#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/interpreter.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

constexpr int kWidest = 100000;

struct Spec {
  std::string flags;
  std::int64_t width = 0;
  int precision = -1;
  char kind = 's';
};

/// Reads "%-5.2f" from behind the percent sign at `p`.
Spec read_spec(const std::string& format, std::size_t& p) {
  Spec s;
  const auto digit = [&] { return p < format.size() && format[p] >= '0' && format[p] <= '9'; };
  while (p < format.size() && std::string_view("-+ #0").find(format[p]) != std::string_view::npos)
    s.flags += format[p++];
  if (s.flags.size() > 5) fail("unsupported format flags");
  while (digit() && s.width <= kWidest) s.width = s.width * 10 + (format[p++] - '0');
  if (p < format.size() && format[p] == '.') {
    ++p;
    s.precision = 0;
    while (digit() && s.precision <= kWidest) s.precision = s.precision * 10 + (format[p++] - '0');
  }
  if (s.width > kWidest || s.precision > kWidest)
    fail("a format asks for more than " + std::to_string(kWidest) + " characters");
  if (p >= format.size()) fail("incomplete format");
  s.kind = format[p++];
  return s;
}

std::string integer(const Spec& s, const Value& v) {
  const bool decimal = s.kind == 'd' || s.kind == 'i' || s.kind == 'u';
  if (!decimal && !v.is_whole())
    fail(std::string("%") + s.kind + " format: an integer is required, not " + v.type_name());
  if (v.is_float() && !std::isfinite(v.as_double()))
    fail(std::string("cannot convert float ") + (std::isnan(v.as_double()) ? "NaN" : "infinity") +
         " to integer");
  const BigInteger value = v.is_float() ? BigInteger::truncated(v.as_double()) : v.as_big();
  std::string digits = value.digits(decimal ? 10 : s.kind == 'o' ? 8 : 16);
  if (static_cast<int>(digits.size()) < s.precision)
    digits.insert(0, static_cast<std::size_t>(s.precision) - digits.size(), '0');
  const auto flag = [&s](char f) { return s.flags.find(f) != std::string::npos; };
  std::string sign = value.is_negative() ? "-" : flag('+') ? "+" : flag(' ') ? " " : "";
  if (!decimal && flag('#')) sign += s.kind == 'o' ? "0o" : "0x";
  if (flag('0') && !flag('-')) {
    const auto size = static_cast<std::int64_t>(sign.size() + digits.size());
    if (size < s.width) digits.insert(0, static_cast<std::size_t>(s.width - size), '0');
  }
  std::string out = sign + digits;
  if (s.kind == 'X')
    for (char& c : out)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return padded(out, s.width, U' ', flag('-') ? Align::left : Align::right);
}

std::string number(const Spec& s, const Value& v) {
  if (!v.is_number())
    fail(std::string("%") + s.kind + " format: a real number is required, not " + v.type_name());
  if (std::string_view("diuxXo").find(s.kind) != std::string_view::npos) return integer(s, v);
  std::string c_format = "%" + s.flags;
  if (s.width > 0) c_format += std::to_string(s.width);
  if (s.precision >= 0) c_format += "." + std::to_string(s.precision);
  c_format += s.kind;
  std::string out(static_cast<std::size_t>(s.width + std::max(s.precision, 0)) + 2000, '\0');
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const int n = std::snprintf(out.data(), out.size(), c_format.c_str(), v.as_double());
#pragma GCC diagnostic pop
  if (n < 0 || static_cast<std::size_t>(n) >= out.size()) fail("the formatted number is too long");
  out.resize(static_cast<std::size_t>(n));
  return out;
}

}  // namespace

Value format_percent(const Value& given, const List& values, bool may_be_unused) {
  const std::string& format = given.as_string();
  std::string out;
  std::size_t next = 0;
  for (std::size_t p = 0; p < format.size();) {
    if (format[p] != '%') {
      out += format[p++];
      continue;
    }
    const Value* named = nullptr;  // %(key)s
    if (p + 1 < format.size() && format[p + 1] == '(') {
      const std::size_t end = format.find(')', p);
      if (end == std::string::npos) fail("incomplete format key");
      if (values.size() != 1 || !values[0].is_dict()) fail("format requires a mapping");
      const std::string key = format.substr(p + 2, end - p - 2);
      named = values[0].as_dict().find(std::string_view(key));
      if (named == nullptr) fail(string_repr(key));
      p = end;
    }
    const Spec s = read_spec(format, ++p);
    if (s.kind == '%') {
      out += '%';
      continue;
    }
    if (!named && next >= values.size()) fail("not enough arguments for format string");
    const Value& v = named ? *named : values[next++];
    if (s.kind == 's' || s.kind == 'r') {
      std::string text = s.kind == 's' ? v.str() : v.repr();
      if (given.is_markup()) text = s.kind == 's' ? html_of(v) : html_escaped(text);
      if (s.precision >= 0) {
        const auto kept = unicode::to_utf32(text).substr(0, static_cast<std::size_t>(s.precision));
        text.clear();
        for (const char32_t c : kept) unicode::append(c, text);
      }
      const bool left = s.flags.find('-') != std::string::npos;
      out += padded(text, s.width, U' ', left ? Align::left : Align::right);
    } else if (std::string_view("diuxXofFeEgG").find(s.kind) != std::string_view::npos) {
      out += number(s, v);
    } else if (s.kind == 'c') {
      std::string text = v.is_string() ? v.as_string() : "";
      if (v.is_integral() && v.as_int() >= 0 && v.as_int() < 0x110000)
        unicode::append(static_cast<char32_t>(v.as_int()), text);
      if (unicode::count(text) != 1) fail("%c requires int or char");
      const bool left = s.flags.find('-') != std::string::npos;
      out += padded(text, s.width, U' ', left ? Align::left : Align::right);
    } else {
      fail(std::string("unsupported format character '") + s.kind + "'");
    }
    check_size(out.size());
  }
  if (next < values.size() && !may_be_unused)
    fail("not all arguments converted during string formatting");
  return given.is_markup() ? Value::markup(std::move(out)) : Value(std::move(out));
}

}  // namespace axl::tokenizer::jinja
