#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/text.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

constexpr std::int64_t kWidth = 80;

std::int64_t length(std::string_view text) {
  return static_cast<std::int64_t>(unicode::count(text));
}

/// Python's pprint.pformat(): what does not fit in a line of 80 characters is written an item a
/// line, keys are sorted.
class Printer {
 public:
  explicit Printer(Interpreter& interpreter) : interpreter_(interpreter) {}

  std::string print(const Value& v) {
    write(v, 0, 0, 1);
    return std::move(out_);
  }

 private:
  /// A dict's pairs in the order of their keys; keys without an order stay by their types.
  static std::vector<std::pair<Value, Value>> sorted(const Value& dict) {
    auto items = dict.as_dict().items();
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
      const bool ordered = (a.first.is_string() && b.first.is_string()) ||
                           (a.first.is_number() && b.first.is_number());
      return ordered ? a.first.compare(b.first, "<") < 0
                     : a.first.type_name() < b.first.type_name();
    });
    return items;
  }

  static std::string one_line(const Value& v) {
    const bool dict = v.is_dict();
    if (!dict && !v.is_sequence()) return v.repr();
    std::string out = dict ? "{" : v.is_tuple() ? "(" : "[";
    bool first = true;
    const auto separate = [&] {
      if (!std::exchange(first, false)) out += ", ";
      check_size(out.size());
    };
    if (dict) {
      for (const auto& [key, value] : sorted(v)) {
        separate();
        out += one_line(key) + ": " + one_line(value);
      }
    } else {
      for (const Value& item : v.as_list()) {
        separate();
        out += one_line(item);
      }
      if (v.is_tuple() && v.as_list().size() == 1) out += ',';
    }
    return out + (dict ? '}' : v.is_tuple() ? ')' : ']');
  }

  /// `indent` characters stand before the value, `allowance` come after it on its last line.
  void write(const Value& v, std::int64_t indent, std::int64_t allowance, int level) {
    const std::string line = one_line(v);
    interpreter_.charge(line.size());
    if (length(line) <= kWidth - indent - allowance) {
      out_ += line;
    } else if (v.is_dict()) {
      dict(v, indent + 1, allowance + 1, level);
    } else if (v.is_sequence()) {
      sequence(v, indent + 1, allowance, level);
    } else if (v.is_string() && !v.as_string().empty()) {
      text(v.as_string(), indent, allowance, level);
    } else {
      out_ += line;
    }
    check_size(out_.size());
  }

  void next_line(std::int64_t indent) {
    out_ += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
  }

  void dict(const Value& v, std::int64_t indent, std::int64_t allowance, int level) {
    out_ += '{';
    const auto items = sorted(v);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const bool last = i + 1 == items.size();
      const std::string key = one_line(items[i].first);
      out_ += key + ": ";
      write(items[i].second, indent + length(key) + 2, last ? allowance : 1, level + 1);
      if (last) break;
      out_ += ',';
      next_line(indent);
    }
    out_ += '}';
  }

  void sequence(const Value& v, std::int64_t indent, std::int64_t allowance, int level) {
    const List& items = v.as_list();
    const std::string end = !v.is_tuple() ? "]" : items.size() == 1 ? ",)" : ")";
    out_ += v.is_tuple() ? '(' : '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      const bool last = i + 1 == items.size();
      write(items[i], indent, last ? allowance + length(end) : 1, level + 1);
      if (last) break;
      out_ += ',';
      next_line(indent);
    }
    out_ += end;
  }

  /// A word with the blanks behind it.
  static std::vector<std::string> words(std::string_view line) {
    std::vector<std::string> out;
    bool blank = true;
    for (const char *p = line.data(), *end = p + line.size(); p < end;) {
      const unicode::Decoded d = unicode::decode(p, end);
      const bool space = python_space(d.code);
      if (out.empty() || (blank && !space)) out.emplace_back();
      out.back().append(p, d.bytes);
      blank = space;
      p += d.bytes;
    }
    return out;
  }

  void text(const std::string& value, std::int64_t indent, std::int64_t allowance, int level) {
    if (level == 1) {
      ++indent;
      ++allowance;
    }
    const std::int64_t width = kWidth - indent;
    std::vector<std::string> chunks;
    const std::vector<std::string> lines = split_lines(value, true);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const bool last_line = i + 1 == lines.size();
      std::string whole = string_repr(lines[i]);
      if (length(whole) <= width - (last_line ? allowance : 0)) {
        chunks.push_back(std::move(whole));
        continue;
      }
      const std::vector<std::string> parts = words(lines[i]);
      std::string current;
      for (std::size_t j = 0; j < parts.size(); ++j) {
        const std::string longer = current + parts[j];
        interpreter_.charge(longer.size());
        const bool last = last_line && j + 1 == parts.size();
        if (length(string_repr(longer)) > width - (last ? allowance : 0)) {
          if (!current.empty()) chunks.push_back(string_repr(current));
          current = parts[j];
        } else {
          current = longer;
        }
      }
      if (!current.empty()) chunks.push_back(string_repr(current));
    }
    const bool brackets = level == 1 && chunks.size() > 1;
    if (brackets) out_ += '(';
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      if (i > 0) next_line(indent);
      out_ += chunks[i];
    }
    if (brackets) out_ += ')';
  }

  Interpreter& interpreter_;
  std::string out_;
};

}  // namespace

Value f_pprint(Interpreter& i, const Value& v, const Arguments&) { return Printer(i).print(v); }

}  // namespace axl::tokenizer::jinja
