#include <algorithm>
#include <functional>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/interpreter.hpp"
#include "tokenizer/jinja/string_methods.hpp"
#include "tokenizer/unicode.hpp"

// str.format() and str.format_map().

namespace axl::tokenizer::jinja {
namespace {

/// What ".y[0][key]" behind a field's name picks.
Value format_part(Interpreter& i, Value v, std::string_view path) {
  while (!path.empty()) {
    const bool index = path[0] == '[';
    const std::size_t end = index ? path.find(']') : path.find_first_of(".[", 1);
    if ((index && end == std::string_view::npos) || (!index && path[0] != '.') || end == 1)
      fail("malformed format field");
    const std::string part(path.substr(1, end - 1));
    const bool number = index && part.find_first_not_of("0123456789") == std::string::npos;
    v = number ? i.subscript(v, parse_int(part, 10).value_or(0)) : i.subscript(v, part);
    path.remove_prefix(index ? end + 1 : std::min(end, path.size()));
  }
  return v;
}

/// Python's ascii(): repr() with everything beyond ASCII escaped.
std::string ascii_repr(const Value& v) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char32_t c : unicode::to_utf32(v.repr())) {
    if (c < 0x80) {
      out += static_cast<char>(c);
      continue;
    }
    const int digits = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
    out += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += kHex[c >> shift & 15];
  }
  return out;
}

/// A field's value as text. Markup escapes what it takes in.
std::string format_field(const Value& v, const std::string& spec, bool markup) {
  if (!markup) return format_spec(v, spec);
  if (!v.is_markup()) return html_escaped(format_spec(v, spec));
  if (!spec.empty()) fail("Unsupported format specification for Markup.");
  return v.as_string();
}

using Find = std::function<Value(const std::string& name)>;

/// "{} {0} {name} {x.y!r:>8} {:{width}}".
class Formatter {
 public:
  /// `find` gives named values.
  Formatter(Interpreter& i, const List& positional, const Find& find, bool markup)
      : interpreter_(i), positional_(positional), find_(find), markup_(markup) {}

  std::string run(std::string_view text, int depth = 0) {
    std::string out;
    for (std::size_t p = 0; p < text.size(); ++p) {
      const char c = text[p];
      if ((c == '{' || c == '}') && p + 1 < text.size() && text[p + 1] == c) {
        out += c;
        ++p;
      } else if (c == '}') {
        fail("Single '}' encountered in format string");
      } else if (c != '{') {
        out += c;
      } else {
        const std::size_t end = closing(text, p);
        out += field(text.substr(p + 1, end - p - 1), depth);
        p = end;
      }
      check_size(out.size());
    }
    return out;
  }

 private:
  /// Of the brace at `open`; a specification may hold fields itself.
  static std::size_t closing(std::string_view text, std::size_t open) {
    int depth = 0;
    for (std::size_t p = open; p < text.size(); ++p) {
      if (text[p] == '{') ++depth;
      if (text[p] == '}' && --depth == 0) return p;
    }
    fail("Single '{' encountered in format string");
  }

  std::string field(std::string_view text, int depth) {
    if (depth > 1) fail("Max string recursion exceeded");
    const std::size_t colon = std::min(text.find(':'), text.size());
    std::string spec(colon < text.size() ? text.substr(colon + 1) : "");
    text = text.substr(0, colon);
    const std::size_t mark = std::min(text.find('!'), text.size());
    const std::string conversion(mark < text.size() ? text.substr(mark + 1) : "");
    text = text.substr(0, mark);
    if (text.find('{') != std::string_view::npos) fail("unexpected '{' in field name");
    Value v = value(text);
    if (conversion == "r") {
      v = v.repr();
    } else if (conversion == "a") {
      v = ascii_repr(v);
    } else if (conversion == "s") {
      v = v.str();
    } else if (!conversion.empty()) {
      fail("Unknown conversion specifier '" + conversion + "'");
    }
    spec = run(spec, depth + 1);
    return format_field(v, spec, markup_);
  }

  Value value(std::string_view text) {
    const std::string name(text.substr(0, text.find_first_of(".[")));
    manual_ |= !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
    automatic_ |= name.empty();
    if (manual_ && automatic_)
      fail("cannot switch from manual field specification to automatic field numbering");
    const auto number = name.empty() ? std::optional<std::int64_t>(next_++) : parse_int(name, 10);
    Value v;
    if (number) {
      if (*number < 0 || static_cast<std::size_t>(*number) >= positional_.size())
        fail("Replacement index " + std::to_string(*number) +
             " out of range for positional args tuple");
      v = positional_[static_cast<std::size_t>(*number)];
    } else {
      v = find_(name);
    }
    return format_part(interpreter_, std::move(v), text.substr(name.size()));
  }

  Interpreter& interpreter_;
  const List& positional_;
  const Find& find_;
  bool markup_, manual_ = false, automatic_ = false;
  std::int64_t next_ = 0;
};

Value format(Interpreter& i, const Value& s, const List& positional, const Find& find) {
  return Formatter(i, positional, find, s.is_markup()).run(s.as_string());
}

}  // namespace

Value str_format(Interpreter& i, const Value& s, const Arguments& a) {
  return format(i, s, a.positional, [&](const std::string& name) {
    const Value* named = a.get(a.positional.size(), name);
    if (named == nullptr) fail(string_repr(name));
    return *named;
  });
}

Value str_format_map(Interpreter& i, const Value& s, const Arguments& a) {
  if (!a.named.empty()) fail("format_map() takes no keyword arguments");
  if (a.positional.size() != 1)
    fail("format_map() takes exactly one argument (" + std::to_string(a.positional.size()) +
         " given)");
  const Value& mapping = a.positional[0];
  return format(i, s, {}, [&](const std::string& name) {
    if (mapping.is_undefined()) fail(mapping.undefined_message());
    if (!mapping.is_dict()) fail("'" + mapping.type_name() + "' object is not a mapping");
    const Value* value = mapping.as_dict().find(std::string_view(name));
    if (value == nullptr) fail(string_repr(name));
    return *value;
  });
}

}  // namespace axl::tokenizer::jinja
