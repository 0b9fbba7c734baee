#include "tokenizer/jinja/string_methods.hpp"

#include <algorithm>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/text.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

using Args = Arguments;

/// The argument at `i` as text; Python's TypeError when it is missing or no string.
const std::string& text_argument(const Args& a, std::size_t i, const char* method) {
  if (i >= a.positional.size())
    fail(std::string(method) + "() takes at least " + std::to_string(i + 1) + " argument(s)");
  const Value& v = a.positional[i];
  if (v.is_undefined()) fail(v.undefined_message());
  if (!v.is_string())
    fail(std::string(method) + "() argument " + std::to_string(i + 1) + " must be str, not " +
         v.type_name());
  return v.as_string();
}
std::int64_t int_argument(const Args& a, std::size_t i, const char* name, std::int64_t fallback) {
  const Value v = option(a, i, name, fallback);
  if (!v.is_integral()) fail("'" + v.type_name() + "' object cannot be interpreted as an integer");
  return v.as_int();
}

Value upper(Interpreter&, const Value& s, const Args&) { return unicode::upper(s.as_string()); }
Value lower(Interpreter&, const Value& s, const Args&) { return unicode::lower(s.as_string()); }
Value capitalize(Interpreter&, const Value& s, const Args&) { return capitalized(s.as_string()); }

/// A word is a run of letters.
Value title(Interpreter&, const Value& s, const Args&) {
  std::string out;
  bool inside = false;
  for (const char32_t c : unicode::to_utf32(s.as_string())) {
    unicode::append(inside ? unicode::to_lower(c) : unicode::to_upper(c), out);
    inside = (unicode::classes(c) & unicode::kLetter) != 0;
  }
  return out;
}

Value swapcase(Interpreter&, const Value& s, const Args&) {
  std::string out;
  for (const char32_t c : unicode::to_utf32(s.as_string()))
    unicode::append(unicode::is_upper(c) ? unicode::to_lower(c) : unicode::to_upper(c), out);
  return out;
}

Value strip_with(const Value& s, const Args& a, bool left, bool right) {
  const Value chars = option(a, 0, "chars", None{});
  std::string_view text = s.as_string();
  if (chars.is_string()) return std::string(strip_set(text, chars.as_string(), left, right));
  if (!chars.is_none()) fail("strip arg must be None or str");
  if (left) text = strip_left(text);
  if (right) text = strip_right(text);
  return std::string(text);
}
Value strip(Interpreter&, const Value& s, const Args& a) { return strip_with(s, a, true, true); }
Value lstrip(Interpreter&, const Value& s, const Args& a) { return strip_with(s, a, true, false); }
Value rstrip(Interpreter&, const Value& s, const Args& a) { return strip_with(s, a, false, true); }

/// startswith and endswith take one text or a tuple of them.
template <class Matches>
Value any_of_texts(const Args& a, const char* method, const Matches& matches) {
  if (!a.positional.empty() && a.positional[0].is_tuple()) {
    for (const Value& v : a.positional[0].as_list())
      if (v.is_string() && matches(v.as_string())) return true;
    return false;
  }
  return matches(text_argument(a, 0, method));
}
/// The part of a text that the arguments `start` and `stop` leave, with Python's meaning of them.
struct Window {
  std::string_view text;
  std::size_t skipped = 0;  ///< bytes before it
  bool beyond = false;      ///< it begins after the end: not even the empty text is in it
};
Window window(const Value& s, const Args& a) {
  const std::string& whole = s.as_string();
  if (a.positional.size() < 2) return {whole};
  const auto size = static_cast<std::int64_t>(unicode::count(whole));
  const auto bound = [&](std::size_t at, std::int64_t fallback) {
    if (at >= a.positional.size() || a.positional[at].is_none()) return fallback;
    if (!a.positional[at].is_integral())
      fail("slice indices must be integers or None or have an __index__ method");
    const std::int64_t i = a.positional[at].as_int();
    return i < 0 ? std::max<std::int64_t>(i + size, 0) : i;
  };
  const std::int64_t start = bound(1, 0), stop = std::min(bound(2, size), size);
  if (start > stop) return {"", whole.size(), true};
  const auto bytes_before = [&](std::int64_t characters) {
    std::size_t at = 0;
    for (; characters > 0 && at < whole.size(); --characters)
      at += unicode::decode(whole.data() + at, whole.data() + whole.size()).bytes;
    return at;
  };
  const std::size_t from = bytes_before(start);
  return {std::string_view(whole).substr(from, bytes_before(stop) - from), from, false};
}

Value startswith(Interpreter&, const Value& s, const Args& a) {
  const Window w = window(s, a);
  return any_of_texts(a, "startswith",
                      [&w](const std::string& t) { return !w.beyond && w.text.starts_with(t); });
}
Value endswith(Interpreter&, const Value& s, const Args& a) {
  const Window w = window(s, a);
  return any_of_texts(a, "endswith",
                      [&w](const std::string& t) { return !w.beyond && w.text.ends_with(t); });
}

Value texts(std::vector<std::string> parts) {
  List out;
  out.reserve(parts.size());
  for (std::string& p : parts) out.emplace_back(std::move(p));
  return Value::list(std::move(out));
}

Value split(Interpreter&, const Value& s, const Args& a) {
  const Value by = option(a, 0, "sep", None{});
  std::int64_t most = int_argument(a, 1, "maxsplit", -1);
  const std::string& text = s.as_string();
  if (by.is_none()) return texts(split_words(text, most));
  if (most < 0) most = INT64_MAX;
  if (by.is_undefined()) fail(by.undefined_message());
  if (!by.is_string()) fail("must be str or None, not " + by.type_name());
  const std::string& mark = by.as_string();
  if (mark.empty()) fail("empty separator");
  std::vector<std::string> out;
  std::size_t at = 0;
  for (; most != 0; --most) {
    const std::size_t hit = text.find(mark, at);
    if (hit == std::string::npos) break;
    check_items(out.size());
    out.push_back(text.substr(at, hit - at));
    at = hit + mark.size();
  }
  out.push_back(text.substr(at));
  return texts(std::move(out));
}

Value rsplit(Interpreter& i, const Value& s, const Args& a) {
  const Value by = option(a, 0, "sep", None{});
  std::int64_t most = int_argument(a, 1, "maxsplit", -1);
  if (most < 0) return split(i, s, a);
  std::string_view text = s.as_string();
  std::vector<std::string> out;
  if (by.is_none()) {
    text = strip_right(text);
    while (!text.empty()) {
      std::size_t start = text.size();
      if (most-- == 0) {
        start = 0;
      } else {
        while (start > 0) {
          std::size_t before = start - 1;
          while (before > 0 && (static_cast<unsigned char>(text[before]) & 0xC0) == 0x80) --before;
          if (python_space(unicode::decode(text.data() + before, text.data() + start).code)) break;
          start = before;
        }
      }
      check_items(out.size());
      out.emplace_back(text.substr(start));
      text = strip_right(text.substr(0, start));
    }
  } else {
    const std::string mark = by.str();
    if (mark.empty()) fail("empty separator");
    for (; most != 0; --most) {
      const std::size_t hit = text.rfind(mark);
      if (hit == std::string_view::npos) break;
      check_items(out.size());
      out.emplace_back(text.substr(hit + mark.size()));
      text = text.substr(0, hit);
    }
    out.emplace_back(text);
  }
  std::reverse(out.begin(), out.end());
  return texts(std::move(out));
}

Value splitlines(Interpreter&, const Value& s, const Args& a) {
  return texts(split_lines(s.as_string(), option(a, 0, "keepends", false).truthy()));
}

Value partition_at(const std::string& text, const std::string& mark, std::size_t hit) {
  return Value::tuple({text.substr(0, hit), mark, text.substr(hit + mark.size())});
}
Value partition(Interpreter&, const Value& s, const Args& a) {
  const std::string& mark = text_argument(a, 0, "partition");
  if (mark.empty()) fail("empty separator");
  const std::size_t hit = s.as_string().find(mark);
  if (hit == std::string::npos) return Value::tuple({s, "", ""});
  return partition_at(s.as_string(), mark, hit);
}
Value rpartition(Interpreter&, const Value& s, const Args& a) {
  const std::string& mark = text_argument(a, 0, "rpartition");
  if (mark.empty()) fail("empty separator");
  const std::size_t hit = s.as_string().rfind(mark);
  if (hit == std::string::npos) return Value::tuple({"", "", s});
  return partition_at(s.as_string(), mark, hit);
}

Value replace(Interpreter&, const Value& s, const Args& a) {
  const std::string& from = text_argument(a, 0, "replace");
  std::string to = text_argument(a, 1, "replace");
  if (s.is_markup()) to = html_of(a.positional[1]);
  return replaced(s.as_string(), from, to, int_argument(a, 2, "count", -1));
}

Value join(Interpreter&, const Value& s, const Args& a) {
  if (a.positional.size() != 1) fail("str.join() takes exactly one argument");
  std::string out;
  std::size_t n = 0;
  for (const Value& v : a.positional[0].iterate()) {
    if (!v.is_string() && !s.is_markup())
      fail("sequence item " + std::to_string(n) + ": expected str instance, " + v.type_name() +
           " found");
    if (n++ > 0) out += s.as_string();
    out += s.is_markup() ? html_of(v) : v.as_string();
    check_size(out.size());
  }
  return out;
}

Value position(const Value& s, std::size_t hit) {
  if (hit == std::string::npos) return std::int64_t{-1};
  return static_cast<std::int64_t>(unicode::count(std::string_view(s.as_string()).substr(0, hit)));
}
std::size_t search(const Value& s, const Args& a, const char* method, bool last) {
  const std::string& what = text_argument(a, 0, method);
  const Window w = window(s, a);
  if (w.beyond) return std::string::npos;
  const std::size_t hit = last ? w.text.rfind(what) : w.text.find(what);
  return hit == std::string::npos ? hit : hit + w.skipped;
}
Value find(Interpreter&, const Value& s, const Args& a) {
  return position(s, search(s, a, "find", false));
}
Value rfind(Interpreter&, const Value& s, const Args& a) {
  return position(s, search(s, a, "rfind", true));
}
Value index(Interpreter&, const Value& s, const Args& a) {
  const std::size_t hit = search(s, a, "index", false);
  if (hit == std::string::npos) fail("substring not found");
  return position(s, hit);
}
Value count(Interpreter&, const Value& s, const Args& a) {
  const std::string& what = text_argument(a, 0, "count");
  const Window w = window(s, a);
  if (w.beyond) return std::int64_t{0};
  if (what.empty()) return static_cast<std::int64_t>(unicode::count(w.text) + 1);
  std::int64_t n = 0;
  for (std::size_t hit = w.text.find(what); hit != std::string::npos;
       hit = w.text.find(what, hit + what.size()))
    ++n;
  return n;
}

Value removeprefix(Interpreter&, const Value& s, const Args& a) {
  const std::string& what = text_argument(a, 0, "removeprefix");
  return s.as_string().starts_with(what) ? s.as_string().substr(what.size()) : s;
}
Value removesuffix(Interpreter&, const Value& s, const Args& a) {
  const std::string& what = text_argument(a, 0, "removesuffix");
  const std::string& text = s.as_string();
  return text.ends_with(what) ? text.substr(0, text.size() - what.size()) : s;
}

Value aligned(const Value& s, const Args& a, Align align) {
  const Value given = option(a, 1, "fillchar", " ");
  const std::u32string fill = unicode::to_utf32(s.is_markup() ? html_of(given) : given.str());
  if (fill.size() != 1) fail("The fill character must be exactly one character long");
  return padded(s.as_string(), int_argument(a, 0, "width", 0), fill[0], align);
}
Value ljust(Interpreter&, const Value& s, const Args& a) { return aligned(s, a, Align::left); }
Value rjust(Interpreter&, const Value& s, const Args& a) { return aligned(s, a, Align::right); }
Value center(Interpreter&, const Value& s, const Args& a) { return aligned(s, a, Align::center); }
Value zfill(Interpreter&, const Value& s, const Args& a) {
  const std::string& text = s.as_string();
  const bool sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  const auto width = std::max<std::int64_t>(int_argument(a, 0, "width", 0), 0);
  return (sign ? text.substr(0, 1) : "") +
         padded(text.substr(sign ? 1 : 0), width - (sign ? 1 : 0), U'0', Align::right);
}

Value expandtabs(Interpreter&, const Value& s, const Args& a) {
  const Value given = option(a, 0, "tabsize", std::int64_t{8});
  if (!given.is_integral())
    fail("'" + given.type_name() + "' object cannot be interpreted as an integer");
  const std::int64_t size = std::clamp<std::int64_t>(given.as_int(), 0, 1 << 20);
  std::string out;
  std::int64_t column = 0;
  for (const char32_t c : unicode::to_utf32(s.as_string())) {
    if (c == U'\t') {
      const std::int64_t blanks = size == 0 ? 0 : size - column % size;
      out.append(static_cast<std::size_t>(blanks), ' ');
      column += blanks;
    } else {
      unicode::append(c, out);
      column = c == U'\n' || c == U'\r' ? 0 : column + 1;
    }
    check_size(out.size());
  }
  return out;
}

struct Entry {
  std::string_view name;
  Method method;
};
constexpr Entry kMethods[] = {{"strip", &strip},
                              {"split", &split},
                              {"startswith", &startswith},
                              {"endswith", &endswith},
                              {"lstrip", &lstrip},
                              {"rstrip", &rstrip},
                              {"replace", &replace},
                              {"upper", &upper},
                              {"lower", &lower},
                              {"join", &join},
                              {"format", &str_format},
                              {"format_map", &str_format_map},
                              {"title", &title},
                              {"capitalize", &capitalize},
                              {"casefold", &lower},
                              {"swapcase", &swapcase},
                              {"rsplit", &rsplit},
                              {"splitlines", &splitlines},
                              {"partition", &partition},
                              {"rpartition", &rpartition},
                              {"find", &find},
                              {"rfind", &rfind},
                              {"index", &index},
                              {"count", &count},
                              {"removeprefix", &removeprefix},
                              {"removesuffix", &removesuffix},
                              {"ljust", &ljust},
                              {"rjust", &rjust},
                              {"center", &center},
                              {"zfill", &zfill},
                              {"expandtabs", &expandtabs}};

}  // namespace

Method find_string_method(std::string_view name) {
  for (const Entry& e : kMethods)
    if (e.name == name) return e.method;
  return find_string_predicate(name);
}

}  // namespace axl::tokenizer::jinja
