#include <algorithm>
#include <cmath>

#include "tokenizer/jinja/value.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

void quote(std::string_view text, bool ascii, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto escape = [&](char32_t code) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kHex[code >> shift & 15];
  };
  out += '"';
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const unicode::Decoded d = unicode::decode(p, end);
    switch (d.code) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (d.code < 0x20 || (ascii && d.code > 0x7E && d.code < 0x10000)) {
          escape(d.code);
        } else if (ascii && d.code >= 0x10000) {
          escape(0xD800 + ((d.code - 0x10000) >> 10));
          escape(0xDC00 + ((d.code - 0x10000) & 0x3FF));
        } else {
          out.append(p, d.bytes);
        }
    }
    p += d.bytes;
  }
  out += '"';
}

struct Writer {
  const JsonStyle& style;
  std::string out;

  void line(int depth) {
    out += '\n';
    for (int i = 0; i < depth; ++i) {
      check_size(out.size());
      out += style.indent;
    }
  }
  static std::string number(const Value& v) {
    if (!v.is_float() || std::isfinite(v.as_double())) return v.repr();
    return std::isnan(v.as_double()) ? "NaN" : v.as_double() > 0 ? "Infinity" : "-Infinity";
  }
  std::string key(const Value& k) const {
    if (k.is_string()) return k.as_string();
    if (k.is_bool()) return k.truthy() ? "true" : "false";
    if (k.is_none()) return "null";
    if (k.is_number()) return number(k);
    fail("keys must be str, int, float, bool or None, not " + k.type_name());
  }
  template <class Items, class Write>
  void container(char open, char close, const Items& items, int depth, const Write& write) {
    out += open;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out += style.item_separator;
      first = false;
      if (style.pretty) line(depth + 1);
      write(item);
    }
    if (style.pretty && !first) line(depth);
    out += close;
  }
  void write(const Value& v, int depth) {
    check_size(out.size());
    if (v.is_none()) {
      out += "null";
    } else if (v.is_bool()) {
      out += v.truthy() ? "true" : "false";
    } else if (v.is_number()) {
      out += number(v);
    } else if (v.is_string()) {
      quote(v.as_string(), style.ensure_ascii, out);
    } else if (v.is_sequence()) {
      container('[', ']', v.as_list(), depth, [&](const Value& item) { write(item, depth + 1); });
    } else if (v.is_dict()) {
      auto items = v.as_dict().items();
      if (style.sort_keys)
        std::sort(items.begin(), items.end(),
                  [](const auto& a, const auto& b) { return a.first.compare(b.first, "<") < 0; });
      container('{', '}', items, depth, [&](const auto& item) {
        quote(key(item.first), style.ensure_ascii, out);
        out += style.key_separator;
        write(item.second, depth + 1);
      });
    } else {
      fail("Object of type " + v.type_name() + " is not JSON serializable");
    }
  }
};

}  // namespace

std::string to_json(const Value& value, const JsonStyle& style) {
  Writer w{style, {}};
  w.write(value, 0);
  return std::move(w.out);
}

}  // namespace axl::tokenizer::jinja
