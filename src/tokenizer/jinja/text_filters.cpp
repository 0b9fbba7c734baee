#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/text.hpp"
#include "tokenizer/jinja/word_wrap.hpp"
#include "tokenizer/unicode.hpp"

// Filters of Jinja that write for people and browsers. Templates seldom need them, but one that is
// taken from elsewhere may.
namespace axl::tokenizer::jinja {
namespace {

using Args = Arguments;

Value f_filesizeformat(Interpreter&, const Value& v, const Args& a) {
  if (v.is_undefined()) fail(v.undefined_message());
  double bytes = 0;
  if (v.is_number()) {
    bytes = v.as_double();
  } else {
    const auto parsed = v.is_string() ? parse_float(v.as_string()) : std::nullopt;
    if (!parsed) fail("could not convert to float: " + v.repr());
    bytes = *parsed;
  }
  const bool binary = option(a, 0, "binary", false).truthy();
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return "1 Byte";
  if (bytes < 0 && std::isinf(bytes)) fail("cannot convert float infinity to integer");
  if (!std::isfinite(bytes)) return float_repr(bytes) + (binary ? " YiB" : " YB");
  if (bytes < base) return fmt::format("{:.0f} Bytes", std::trunc(bytes));
  static constexpr std::string_view kLetters = "kMGTPEZY";
  double unit = base;
  std::size_t at = 0;
  while (at + 1 < kLetters.size() && bytes >= unit * base) {
    unit *= base;
    ++at;
  }
  const char letter = binary && at == 0 ? 'K' : kLetters[at];
  return fmt::format("{:.1f} {}{}", base * bytes / (unit * base), letter, binary ? "iB" : "B");
}

/// What stands for the entity that begins at text[at] = '&', and its length; 0 when it is none.
std::pair<std::string, std::size_t> entity(std::string_view text, std::size_t at) {
  text = text.substr(0, at + 40);  // longer than any entity
  const std::size_t end = text.find(';', at);
  if (text.substr(at + 1, 1) == "#") {
    const bool hex = at + 2 < text.size() && (text[at + 2] | 0x20) == 'x';
    std::size_t p = at + (hex ? 3 : 2);
    const std::size_t first = p;
    std::uint64_t code = 0;
    for (; p < text.size(); ++p) {
      const auto c = static_cast<unsigned char>(text[p]);
      const bool decimal = c >= '0' && c <= '9';
      const bool letter = hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f';
      if (!decimal && !letter) break;
      code = std::min<std::uint64_t>(
          code * (hex ? 16 : 10) +
              static_cast<std::uint64_t>(decimal ? c - '0' : (c | 0x20) - 'a' + 10),
          0x110000);
    }
    if (p == first) return {"", 0};
    if (p < text.size() && text[p] == ';') ++p;
    if (code >= 0x80 && code <= 0x9F) fail("striptags: a character reference in the C1 range");
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) code = 0xFFFD;
    std::string out;
    unicode::append(static_cast<char32_t>(code), out);
    return {out, p - at};
  }
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNames{
      {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"nbsp", "\u00a0"}, {"apos;", "'"}}};
  for (const auto& [name, meaning] : kNames) {
    if (text.substr(at + 1, name.size()) != name) continue;
    const std::size_t length = 1 + name.size();
    return {std::string(meaning), length + (text.substr(at + length, 1) == ";" ? 1 : 0)};
  }
  const std::string_view name =
      end == std::string_view::npos ? std::string_view() : text.substr(at + 1, end - at - 1);
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (!name.empty() && name.size() < 32 && std::all_of(name.begin(), name.end(), plain))
    fail("striptags does not know the entity &" + std::string(name) + ";");
  return {"", 0};
}

Value f_striptags(Interpreter&, const Value& v, const Args&) {
  const std::string text = v.str();
  std::string bare;
  std::size_t at = 0;
  for (;;) {
    const std::size_t open = text.find('<', at);
    if (open == std::string::npos) break;
    const bool comment = text.compare(open, 4, "<!--") == 0;
    const std::size_t close = text.find(comment ? "-->" : ">", open + (comment ? 4 : 0));
    if (close == std::string::npos) break;
    bare.append(text, at, open - at);
    at = close + (comment ? 3 : 1);
  }
  bare.append(text, at);
  std::string spaced;
  for (const std::string& word : split_words(bare, -1)) {
    if (!spaced.empty()) spaced += ' ';
    spaced += word;
  }
  std::string out;
  for (std::size_t i = 0; i < spaced.size();) {
    const auto [meaning, length] =
        spaced[i] == '&' ? entity(spaced, i) : std::pair(std::string(), std::size_t{0});
    if (length == 0) {
      out += spaced[i++];
    } else {
      out += meaning;
      i += length;
    }
  }
  return out;
}

Value f_wordwrap(Interpreter& i, const Value& v, const Args& a) {
  if (v.is_undefined()) fail(v.undefined_message());
  if (!v.is_string()) fail("'" + v.type_name() + "' object has no attribute 'splitlines'");
  const Value width = option(a, 0, "width", std::int64_t{79});
  if (!width.is_integral()) fail("wordwrap() needs a whole number of characters");
  WrapStyle style;
  style.width = width.as_int();
  style.break_long_words = option(a, 1, "break_long_words", true).truthy();
  style.break_on_hyphens = option(a, 3, "break_on_hyphens", true).truthy();
  const Value between = option(a, 2, "wrapstring", None{});
  const std::string separator = between.is_none() ? "\n" : between.str();
  std::string out;
  bool first = true;
  for (const std::string& line : split_lines(v.as_string(), false)) {
    if (!std::exchange(first, false)) out += separator;
    const std::vector<std::string> wrapped = word_wrap(line, style);
    for (std::size_t n = 0; n < wrapped.size(); ++n) {
      if (n > 0) out += separator;
      out += wrapped[n];
      check_size(out.size());
    }
    i.charge(line.size());
  }
  return out;
}

Value f_xmlattr(Interpreter&, const Value& v, const Args& a) {
  if (v.is_undefined()) fail(v.undefined_message());
  if (!v.is_dict()) fail("'" + v.type_name() + "' object has no attribute 'items'");
  std::string out;
  for (const auto& [key, value] : v.as_dict().items()) {
    if (value.is_none() || value.is_undefined()) continue;
    if (!key.is_string())
      fail("expected string or bytes-like object, got '" + key.type_name() + "'");
    const std::string& name = key.as_string();
    for (const char32_t c : unicode::to_utf32(name))
      if (python_space(c) || c == U'/' || c == U'>' || c == U'=')
        fail("Invalid character in attribute name: " + key.repr());
    if (!out.empty()) out += ' ';
    out += html_escaped(name) + "=\"" + html_of(value) + '"';
    check_size(out.size());
  }
  return option(a, 0, "autospace", true).truthy() && !out.empty() ? " " + out : out;
}

Value f_random(Interpreter&, const Value&, const Args&) {
  fail(
      "the filter random picks another item every time: rows made with it could not be made again");
}

struct Entry {
  std::string_view name;
  Filter filter;
};
constexpr Entry kFilters[] = {{"filesizeformat", &f_filesizeformat},
                              {"pprint", &f_pprint},
                              {"random", &f_random},
                              {"striptags", &f_striptags},
                              {"urlize", &f_urlize},
                              {"wordwrap", &f_wordwrap},
                              {"xmlattr", &f_xmlattr}};

}  // namespace

Filter find_text_filter(std::string_view name) {
  for (const Entry& e : kFilters)
    if (e.name == name) return e.filter;
  return nullptr;
}

}  // namespace axl::tokenizer::jinja
