#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/interpreter.hpp"
#include "tokenizer/jinja/text.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

using Args = Arguments;

std::size_t size_of(const Value& v) {
  if (v.is_string()) return unicode::count(v.as_string());
  if (v.is_dict()) return v.as_dict().size();
  if (v.is_sequence()) return v.as_list().size();
  if (v.is_undefined()) return 0;
  if (v.is_series() && !v.as_series().ends() && !v.is_series(Series::Kind::cycler))
    return v.as_series().items->size();
  fail("object of type '" + v.type_name() + "' has no len()");
}

Value f_length(Interpreter&, const Value& v, const Args&) {
  return static_cast<std::int64_t>(size_of(v));
}

Value f_default(Interpreter&, const Value& v, const Args& a) {
  const bool also_false = option(a, 1, "boolean", false).truthy();
  if (v.is_undefined() || (also_false && !v.truthy())) return option(a, 0, "default_value", "");
  return v;
}

/// Text made of HTML by a method of the text itself is HTML still.
Value as_given(const Value& v, std::string text) {
  return v.is_markup() ? Value::markup(std::move(text)) : Value(std::move(text));
}

Value f_upper(Interpreter&, const Value& v, const Args&) {
  return as_given(v, unicode::upper(v.str()));
}
Value f_lower(Interpreter&, const Value& v, const Args&) {
  return as_given(v, unicode::lower(v.str()));
}
Value f_capitalize(Interpreter&, const Value& v, const Args&) {
  return as_given(v, capitalized(v.str()));
}

/// Jinja's own rule: a word begins after a space, hyphen or opening bracket.
Value f_title(Interpreter&, const Value& v, const Args&) {
  std::string out;
  bool first = true;
  for (const char32_t c : unicode::to_utf32(v.str())) {
    const bool separator =
        python_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    unicode::append(separator ? c : first ? unicode::to_upper(c) : unicode::to_lower(c), out);
    first = separator;
  }
  return out;
}

Value f_trim(Interpreter&, const Value& v, const Args& a) {
  const Value chars = option(a, 0, "chars", None{});
  const std::string text = v.str();
  if (chars.is_string())
    return as_given(v, std::string(strip_set(text, chars.as_string(), true, true)));
  return as_given(v, std::string(strip_left(strip_right(text))));
}

Value f_string(Interpreter&, const Value& v, const Args&) { return v.is_string() ? v : v.str(); }
Value f_safe(Interpreter&, const Value& v, const Args&) { return Value::markup(v.str()); }
Value f_escape(Interpreter&, const Value& v, const Args&) { return Value::markup(html_of(v)); }
Value f_forceescape(Interpreter&, const Value& v, const Args&) {
  return Value::markup(html_escaped(v.str()));
}

Value f_replace(Interpreter&, const Value& v, const Args& a) {
  const Value* from = a.get(0, "old");
  const Value* to = a.get(1, "new");
  if (from == nullptr || to == nullptr) fail("replace() needs the old and the new text");
  const Value count = option(a, 2, "count", None{});
  return replaced(v.str(), from->str(), to->str(), count.is_integral() ? count.as_int() : -1);
}

Value f_indent(Interpreter&, const Value& v, const Args& a) {
  if (v.is_undefined()) fail(v.undefined_message());
  if (!v.is_string()) fail("unsupported operand type(s) for +=: '" + v.type_name() + "' and 'str'");
  const Value width = option(a, 0, "width", std::int64_t{4});
  std::string pad;
  if (width.is_string()) {
    pad = width.as_string();
  } else {
    if (!width.is_integral()) fail("indent() needs a number or a string");
    check_size(static_cast<std::size_t>(std::max<std::int64_t>(width.as_int(), 0)));
    pad.assign(static_cast<std::size_t>(std::max<std::int64_t>(width.as_int(), 0)), ' ');
  }
  const bool blank = option(a, 2, "blank", false).truthy();
  std::string out = option(a, 1, "first", false).truthy() ? pad : "";
  bool first = true;
  for (const std::string& line : split_lines(v.str() + "\n", false)) {
    if (!first) out += "\n" + (line.empty() && !blank ? "" : pad);
    first = false;
    out += line;
    check_size(out.size());
  }
  return as_given(v, std::move(out));
}

Value f_join(Interpreter& i, const Value& v, const Args& a) {
  const std::string between = option(a, 0, "d", "").str();
  const Value by = option(a, 1, "attribute", None{});
  std::string out;
  bool first = true;
  for (const Value& item : v.iterate()) {
    if (!first) out += between;
    first = false;
    out += (by.is_none() ? item : path_of(i, item, by)).str();
    check_size(out.size());
  }
  return out;
}

Value f_list(Interpreter&, const Value& v, const Args&) {
  const Items items = v.iterate();
  return Value::list(*items);
}

Value f_first(Interpreter&, const Value& v, const Args&) {
  if (v.is_series() && v.as_series().ends()) {  // the others stay for whoever comes next
    Series& s = v.as_series();
    if (s.taken < s.items->size()) return (*s.items)[s.taken++];
  }
  const auto items = v.iterate();
  return items->empty() ? Value::undefined("No first item, sequence was empty.") : items->front();
}
Value f_last(Interpreter&, const Value& v, const Args&) {
  if (v.is_series() && v.as_series().ends())
    fail("'" + v.type_name() + "' object is not reversible");
  const auto items = v.iterate();
  return items->empty() ? Value::undefined("No last item, sequence was empty.") : items->back();
}

Value f_reverse(Interpreter&, const Value& v, const Args&) {
  const bool to_list = v.is_series() && v.as_series().ends();
  const Items given = v.iterate();
  List items = *given;
  std::reverse(items.begin(), items.end());
  if (to_list) return Value::list(std::move(items));
  if (!v.is_string()) return Value::series(Series::Kind::reversed, std::move(items));
  std::string out;
  for (const Value& c : items) out += c.as_string();
  return as_given(v, std::move(out));
}

Value f_items(Interpreter&, const Value& v, const Args&) {
  List out;
  if (!v.is_undefined() && !v.is_dict()) fail("Can only get item pairs from a mapping.");
  if (v.is_dict())
    for (const auto& [key, value] : v.as_dict().items()) out.push_back(Value::tuple({key, value}));
  return generator(std::move(out));
}

Value f_int(Interpreter&, const Value& v, const Args& a) {
  const Value fallback = option(a, 0, "default", std::int64_t{0});
  if (v.is_integral()) return v.as_int();
  if (v.is_big()) return v;
  const auto whole = [](double d) { return Value::integer(BigInteger::truncated(d)); };
  if (v.is_float()) {
    if (std::isnan(v.as_double())) return fallback;
    if (std::isinf(v.as_double())) fail("cannot convert float infinity to integer");
    return whole(v.as_double());
  }
  if (v.is_undefined()) fail(v.undefined_message());
  if (!v.is_string()) return fallback;
  const Value base = option(a, 1, "base", std::int64_t{10});
  if (const auto n = parse_whole(v.as_string(), base.is_integral() ? base.as_int() : 10)) return *n;
  if (const auto d = parse_float(v.as_string()))
    if (std::isfinite(*d)) return whole(*d);
  return fallback;
}

Value f_float(Interpreter&, const Value& v, const Args& a) {
  if (v.is_number()) return v.as_double();
  if (v.is_string())
    if (const auto d = parse_float(v.as_string())) return *d;
  if (v.is_undefined()) fail(v.undefined_message());
  return option(a, 0, "default", 0.0);
}

Value f_abs(Interpreter&, const Value& v, const Args&) {
  if (v.is_float()) return std::abs(v.as_double());
  if (v.is_big()) return v.as_big().is_negative() ? negate(v) : v;
  if (!v.is_integral()) fail("bad operand type for abs(): '" + v.type_name() + "'");
  return v.as_int() < 0 ? negate(v) : Value(v.as_int());
}

Value f_round(Interpreter&, const Value& v, const Args& a) {
  if (!v.is_number()) fail("type " + v.type_name() + " doesn't define __round__ method");
  const Value digits = option(a, 0, "precision", std::int64_t{0});
  const std::string method = option(a, 1, "method", "common").str();
  if (method != "common" && method != "ceil" && method != "floor")
    fail("method must be common, ceil or floor");
  if (v.is_whole() && method == "common" && (!digits.is_integral() || digits.as_int() >= 0))
    return v.is_big() ? v : Value(v.as_int());
  const std::int64_t places = digits.is_integral() ? digits.as_int() : 0;
  // Python rounds the number as it is stored, which printing does as well: 2.675 is below 2.675.
  if (method == "common" && places > 0 && places <= 300)
    return std::strtod(fmt::format("{:.{}f}", v.as_double(), places).c_str(), nullptr);
  if (method != "common" && !std::isfinite(v.as_double()))
    fail(std::string("cannot convert float ") + (std::isnan(v.as_double()) ? "NaN" : "infinity") +
         " to integer");
  const double scale = std::pow(10.0, static_cast<double>(places));
  const double x = v.as_double() * scale;
  if (method == "common" && v.is_integral() && std::abs(v.as_double()) < 9e15)
    return static_cast<std::int64_t>(std::nearbyint(x) / scale);
  return (method == "ceil"    ? std::ceil(x)
          : method == "floor" ? std::floor(x)
                              : std::nearbyint(x)) /
         scale;
}

Value f_tojson(Interpreter&, const Value& v, const Args& a) {
  JsonStyle style;
  style.ensure_ascii = option(a, 0, "ensure_ascii", false).truthy();
  const Value indent = option(a, 1, "indent", None{});
  if (indent.is_string() || indent.is_integral()) {
    style.pretty = true;
    style.item_separator = ",";
    style.indent =
        indent.is_string()
            ? indent.as_string()
            : std::string(
                  static_cast<std::size_t>(std::clamp<std::int64_t>(indent.as_int(), 0, 1000)),
                  ' ');
  }
  const Value separators = option(a, 2, "separators", None{});
  if (separators.is_sequence() && separators.as_list().size() == 2) {
    style.item_separator = separators.as_list()[0].str();
    style.key_separator = separators.as_list()[1].str();
  }
  style.sort_keys = option(a, 3, "sort_keys", false).truthy();
  return to_json(v, style);
}

Value f_format(Interpreter&, const Value& v, const Args& a) {
  return format_percent(v.is_string() ? v : v.str(), a.positional);
}

Value f_attr(Interpreter& i, const Value& v, const Args& a) {
  return i.attribute(v, option(a, 0, "name", "").str());
}

Value f_wordcount(Interpreter&, const Value& v, const Args&) {
  std::int64_t words = 0;  // runs of Python's \\w
  bool inside = false;
  for (const char32_t c : unicode::to_utf32(v.str())) {
    const bool word =
        c == U'_' || (unicode::classes(c) & (unicode::kLetter | unicode::kNumber)) != 0;
    words += word && !inside ? 1 : 0;
    inside = word;
  }
  return words;
}

Value f_center(Interpreter&, const Value& v, const Args& a) {
  const Value width = option(a, 0, "width", std::int64_t{80});
  return as_given(v,
                  padded(v.str(), width.is_integral() ? width.as_int() : 80, ' ', Align::center));
}

Value f_truncate(Interpreter&, const Value& v, const Args& a) {
  const auto number = [&](std::size_t at, const char* name, std::int64_t fallback) {
    const Value n = option(a, at, name, fallback);
    return n.is_integral() ? std::max<std::int64_t>(n.as_int(), 0) : fallback;
  };
  const auto length = static_cast<std::size_t>(number(0, "length", 255));
  const std::u32string end = unicode::to_utf32(option(a, 2, "end", "...").str());
  if (length < end.size())
    fail("expected length >= " + std::to_string(end.size()) + ", got " + std::to_string(length));
  const auto leeway = static_cast<std::size_t>(number(3, "leeway", 5));
  if (!v.is_string())  // short ones come back as they are
    if (size_of(v) <= length + leeway) return v;
  if (!v.is_string()) fail("truncate() takes text, not " + v.type_name());
  const std::u32string text = unicode::to_utf32(v.str());
  if (text.size() <= length + leeway) return v;
  std::u32string kept = text.substr(0, length > end.size() ? length - end.size() : 0);
  if (!option(a, 1, "killwords", false).truthy()) {
    const std::size_t space = kept.rfind(U' ');
    if (space != std::u32string::npos) kept.resize(space);
  }
  std::string out;
  for (const char32_t c : kept + end) unicode::append(c, out);
  return as_given(v, std::move(out));
}

/// As a browser writes a part of an address; in a query blanks are + and slashes are no more plain.
std::string url_quoted(const std::string& text, bool query) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    const bool plain = (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
                       std::string_view("_.-~").find(c) != std::string_view::npos ||
                       (c == '/' && !query);
    if (plain) {
      out += c;
    } else if (c == ' ' && query) {
      out += '+';
    } else {
      out += {'%', kHex[b >> 4], kHex[b & 15]};
    }
  }
  return out;
}

Value f_urlencode(Interpreter&, const Value& v, const Args&) {
  if (!v.is_sequence() && !v.is_dict() && !v.is_series()) return url_quoted(v.str(), false);
  std::string out;
  const auto add = [&out](const Value& key, const Value& value) {
    if (!out.empty()) out += '&';
    out += url_quoted(key.str(), true) + "=" + url_quoted(value.str(), true);
    check_size(out.size());
  };
  if (v.is_dict()) {
    for (const auto& [key, value] : v.as_dict().items()) add(key, value);
    return out;
  }
  for (const Value& item : v.iterate()) {
    if (item.is_number() || item.is_none())
      fail("cannot unpack non-iterable " + item.type_name() + " object");
    const Items parts = item.iterate();
    if (parts->size() != 2)
      fail(std::string(parts->size() < 2 ? "not enough" : "too many") +
           " values to unpack (expected 2)");
    add((*parts)[0], (*parts)[1]);
  }
  return out;
}

struct Entry {
  std::string_view name;
  Filter filter;
};
constexpr Entry kFilters[] = {{"abs", &f_abs},
                              {"attr", &f_attr},
                              {"capitalize", &f_capitalize},
                              {"center", &f_center},
                              {"count", &f_length},
                              {"d", &f_default},
                              {"default", &f_default},
                              {"e", &f_escape},
                              {"escape", &f_escape},
                              {"first", &f_first},
                              {"float", &f_float},
                              {"forceescape", &f_forceescape},
                              {"format", &f_format},
                              {"indent", &f_indent},
                              {"int", &f_int},
                              {"items", &f_items},
                              {"join", &f_join},
                              {"last", &f_last},
                              {"length", &f_length},
                              {"list", &f_list},
                              {"lower", &f_lower},
                              {"replace", &f_replace},
                              {"reverse", &f_reverse},
                              {"round", &f_round},
                              {"safe", &f_safe},
                              {"string", &f_string},
                              {"title", &f_title},
                              {"tojson", &f_tojson},
                              {"trim", &f_trim},
                              {"truncate", &f_truncate},
                              {"upper", &f_upper},
                              {"urlencode", &f_urlencode},
                              {"wordcount", &f_wordcount}};

}  // namespace

Filter find_filter(std::string_view name) {
  for (const Entry& e : kFilters)
    if (e.name == name) return e.filter;
  if (const Filter filter = find_sequence_filter(name)) return filter;
  return find_text_filter(name);
}

}  // namespace axl::tokenizer::jinja
