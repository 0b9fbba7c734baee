#include "data/prompt_layout.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "core/error.hpp"
#include "data/row.hpp"
#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::data {
namespace {

using Value = std::pair<std::string_view, std::string_view>;

[[noreturn]] void refuse(const std::string& why) { throw RowError{why}; }

/// One field between braces: name, what picks a part of it, conversion, specification.
struct Field {
  std::string_view name, part, conversion, spec;
};

Field split_field(std::string_view text) {
  Field out;
  const std::size_t colon = std::min(text.find(':'), text.size());
  if (colon < text.size()) out.spec = text.substr(colon + 1);
  text = text.substr(0, colon);
  const std::size_t mark = std::min(text.find('!'), text.size());
  if (mark < text.size()) out.conversion = text.substr(mark + 1);
  if (mark < text.size() && out.conversion != "r" && out.conversion != "s" && out.conversion != "a")
    refuse("a field has the unknown conversion '!" + std::string(out.conversion) +
           "' (known: !r, !s, !a)");
  text = text.substr(0, mark);
  const std::size_t part = std::min(text.find_first_of(".["), text.size());
  out.name = text.substr(0, part);
  out.part = text.substr(part);
  return out;
}

/// Python's ascii(): repr() with everything beyond ASCII escaped.
std::string ascii_repr(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char32_t c : tokenizer::unicode::to_utf32(tokenizer::jinja::string_repr(text))) {
    if (c < 0x80) {
      out += static_cast<char>(c);
      continue;
    }
    const int digits = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
    out += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
    for (int i = digits - 1; i >= 0; --i) out += kHex[c >> (4 * i) & 15];
  }
  return out;
}

/// The character that "[3]" picks.
std::string character(std::string_view value, std::string_view part) {
  std::size_t index = 0;
  const char* const end = part.data() + part.size();
  const auto [stop, error] = std::from_chars(part.data() + 1, end, index);
  if (part[0] != '[' || error != std::errc() || stop + 1 != end || *stop != ']')
    refuse("a field asks for '" + std::string(part) + "' of a text, which has none");
  const std::u32string text = tokenizer::unicode::to_utf32(value);
  if (index >= text.size()) refuse("a field asks for a character behind the end of its text");
  std::string out;
  tokenizer::unicode::append(text[index], out);
  return out;
}

std::string formatted(const Field& field, std::string_view value) {
  std::string text = field.part.empty() ? std::string(value) : character(value, field.part);
  if (field.conversion == "r") text = tokenizer::jinja::string_repr(text);
  if (field.conversion == "a") text = ascii_repr(text);
  if (field.spec.empty()) return text;
  if (field.spec.find_first_of("{}") != std::string_view::npos)
    refuse("a field inside of a format specification is not supported");
  try {
    return tokenizer::jinja::format_spec(std::move(text), std::string(field.spec));
  } catch (const Error& e) {
    refuse(e.message());
  }
}

/// Calls `plain` with stretches of text and `field` with what stands between braces.
template <class Plain, class TakeField>
void walk(std::string_view layout, const Plain& plain, const TakeField& field) {
  while (!layout.empty()) {
    const std::size_t brace = std::min(layout.find_first_of("{}"), layout.size());
    plain(layout.substr(0, brace));
    layout.remove_prefix(brace);
    if (layout.empty()) return;
    const char c = layout[0];
    if (layout.size() > 1 && layout[1] == c) {
      plain(layout.substr(0, 1));
      layout.remove_prefix(2);
      continue;
    }
    const std::size_t end = layout.find('}');
    if (c == '}' || end == std::string_view::npos)
      refuse(std::string("a single '") + c + "': a brace that is meant as one is written twice");
    field(layout.substr(1, end - 1));
    layout.remove_prefix(end + 1);
  }
}

template <class Values>
std::string fill_with(std::string_view layout, const Values& values) {
  std::string out;
  const auto find = [&](std::string_view name) {
    return std::find_if(values.begin(), values.end(),
                        [&](const Value& v) { return v.first == name; });
  };
  walk(
      layout, [&](std::string_view text) { out += text; },
      [&](std::string_view text) {
        if (const auto plain = find(text); plain != values.end()) {
          out += plain->second;
          return;
        }
        const Field field = split_field(text);
        const auto value = find(field.name);
        if (value == values.end()) {
          std::string known;
          for (const Value& v : values)
            known += (known.empty() ? "{" : ", {") + std::string(v.first) + "}";
          refuse("{" + std::string(text) + "} is no field; the fields are " + known +
                 ", and a brace that is meant as one is written twice");
        }
        out += formatted(field, value->second);
      });
  return out;
}

}  // namespace

std::string fill(std::string_view layout, std::initializer_list<Value> values) {
  return fill_with(layout, values);
}

std::string layout_problem(std::string_view layout, std::initializer_list<std::string_view> names) {
  static const std::string long_text(1000, 'x');  // an index finds its character
  std::vector<Value> values;
  for (const std::string_view name : names) values.emplace_back(name, long_text);
  try {
    fill_with(layout, values);
  } catch (const RowError& e) {
    return e.why;
  }
  return "";
}

}  // namespace axl::data
