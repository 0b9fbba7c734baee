#include "tokenizer/jinja/lexer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "core/error.hpp"
#include "tokenizer/jinja/big_integer.hpp"
#include "tokenizer/jinja/text.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

std::string normalized_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (out.ends_with('\n')) out.pop_back();  // keep_trailing_newline is off
  return out;
}

bool digit(char c) { return c >= '0' && c <= '9'; }
bool name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : s_(normalized_newlines(source)) {}

  std::vector<Token> run() {
    while (at_ < s_.size()) text();
    emit(TokenKind::end, "");
    return std::move(out_);
  }

 private:
  [[noreturn]] void error(const std::string& message) const {
    const auto [line, column] = place(at_);
    syntax_error(message, line, column);
  }
  std::pair<int, int> place(std::size_t at) const {
    const std::string_view before = std::string_view(s_).substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 == 0
    return {static_cast<int>(line), static_cast<int>(at - start) + 1};
  }
  void emit(TokenKind kind, std::string value) { emit_at(kind, std::move(value), at_); }
  void emit_at(TokenKind kind, std::string value, std::size_t at) {
    // Positions only move forward, so lines are counted once.
    for (; counted_ < at; ++counted_) {
      if (s_[counted_] != '\n') continue;
      ++line_;
      line_start_ = counted_ + 1;
    }
    out_.push_back({kind, std::move(value), line_, static_cast<int>(at - line_start_) + 1});
  }
  bool looking_at(std::string_view what) const {
    return std::string_view(s_).substr(at_, what.size()) == what;
  }
  std::size_t spaces_end(std::size_t at) const {
    return at + leading_spaces(std::string_view(s_).substr(at));
  }

  /// Text up to the next tag, then the tag.
  void text() {
    std::size_t tag = at_;
    for (;; ++tag) {
      tag = s_.find('{', tag);
      if (tag == std::string::npos || tag + 1 >= s_.size()) {
        tag = std::string::npos;
        break;
      }
      const char k = s_[tag + 1];
      if (k == '%' || k == '{' || k == '#') break;
    }
    std::string_view data = std::string_view(s_).substr(at_, tag - at_);
    if (tag == std::string::npos) {
      data = std::string_view(s_).substr(at_);
      emit(TokenKind::data, std::string(data));
      at_ = s_.size();
      return;
    }
    const char kind = s_[tag + 1];
    const char sign = tag + 2 < s_.size() ? s_[tag + 2] : '\0';
    if (sign == '-') {
      data = strip_right(data);
    } else if (sign != '+' && kind != '{') {
      const std::size_t line = data.rfind('\n') + 1;
      const std::string_view last = data.substr(line);
      if ((line > 0 || line_starting_) && !last.empty() && leading_spaces(last) == last.size())
        data = data.substr(0, line);
    }
    if (!data.empty()) emit(TokenKind::data, std::string(data));
    at_ = tag + 2 + (sign == '-' || (sign == '+' && kind != '{') ? 1 : 0);
    if (kind == '#') {
      comment();
    } else if (kind == '%') {
      if (!raw()) expression(TokenKind::block_begin, TokenKind::block_end, "%}", tag);
    } else {
      expression(TokenKind::variable_begin, TokenKind::variable_end, "}}", tag);
    }
  }

  /// Behind the closing mark at `at_`: a minus before it takes all space that follows, otherwise a
  /// block or comment takes one newline.
  void close(bool minus, bool plus, bool block) {
    const std::size_t start = at_;
    at_ += 2;
    if (minus) {
      at_ = spaces_end(at_);
    } else if (block && !plus && at_ < s_.size() && s_[at_] == '\n') {
      ++at_;
    }
    line_starting_ = at_ > start && s_[at_ - 1] == '\n';
  }

  void comment() {
    const std::size_t end = s_.find("#}", at_);
    if (end == std::string::npos) error("missing end of comment tag");
    const char sign = end > at_ ? s_[end - 1] : '\0';
    at_ = end;
    close(sign == '-', sign == '+', true);
  }

  /// {% raw %} ... {% endraw %}; false when the tag is another one.
  bool raw() {
    std::size_t p = spaces_end(at_);
    if (s_.compare(p, 3, "raw") != 0) return false;
    p = spaces_end(p + 3);
    const bool minus = p < s_.size() && s_[p] == '-';
    if (minus) ++p;
    if (s_.compare(p, 2, "%}") != 0) return false;
    std::size_t body = p + 2;
    if (minus) body = spaces_end(body);
    for (std::size_t tag = s_.find("{%", body); tag != std::string::npos;
         tag = s_.find("{%", tag + 2)) {
      std::size_t q = tag + 2;
      const char sign = q < s_.size() ? s_[q] : '\0';
      if (sign == '-' || sign == '+') ++q;
      q = spaces_end(q);
      if (s_.compare(q, 6, "endraw") != 0) continue;
      q = spaces_end(q + 6);
      const char tail = q < s_.size() ? s_[q] : '\0';
      if (tail == '-' || tail == '+') ++q;
      if (s_.compare(q, 2, "%}") != 0) continue;
      std::string_view data = std::string_view(s_).substr(body, tag - body);
      if (sign == '-') {
        data = strip_right(data);
      } else if (sign != '+') {
        const std::size_t line = data.rfind('\n') + 1;
        const std::string_view last = data.substr(line);
        if (line > 0 && !last.empty() && leading_spaces(last) == last.size())
          data = data.substr(0, line);
      }
      emit(TokenKind::data, std::string(data));
      at_ = q;
      close(tail == '-', tail == '+', true);
      return true;
    }
    error("missing end of raw directive");
  }

  void expression(TokenKind begin, TokenKind end, std::string_view closing, std::size_t tag) {
    emit_at(begin, "", tag);
    std::string open;
    for (;;) {
      at_ = spaces_end(at_);
      if (at_ >= s_.size())
        error(std::string("unexpected end of template, expected '") + std::string(closing) + "'");
      const char c = s_[at_];
      if (open.empty()) {
        const bool minus = c == '-' && s_.compare(at_ + 1, 2, closing) == 0;
        const bool plus = c == '+' && closing == "%}" && s_.compare(at_ + 1, 2, closing) == 0;
        if (minus || plus || looking_at(closing)) {
          emit(end, "");
          if (minus || plus) ++at_;
          close(minus, plus, closing == "%}");
          return;
        }
      }
      token(c, open);
    }
  }

  void token(char c, std::string& open) {
    if (name_start(c)) {
      const std::size_t start = at_;
      std::size_t end = at_;
      while (end < s_.size() && (name_start(s_[end]) || digit(s_[end]))) ++end;
      emit(TokenKind::name, s_.substr(start, end - start));
      at_ = end;
    } else if (digit(c)) {
      number();
    } else if (c == '\'' || c == '"') {
      string(c);
    } else {
      op(c, open);
    }
  }

  void number() {
    std::size_t end = at_;
    bool is_real = false;
    if (s_[at_] == '0' && at_ + 1 < s_.size()) {  // 0x1F, 0b101, 0o17
      const char kind = static_cast<char>(s_[at_ + 1] | 0x20);
      const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
      if (base != 0) return whole_number(base);
    }
    const auto digits = [&] {
      while (end < s_.size() &&
             (digit(s_[end]) || (s_[end] == '_' && end + 1 < s_.size() && digit(s_[end + 1]))))
        ++end;
    };
    digits();
    const bool index = at_ > 0 && s_[at_ - 1] == '.';  // x.0.1 takes items, 0.1 is none
    if (!index && end + 1 < s_.size() && s_[end] == '.' && digit(s_[end + 1])) {
      is_real = true;
      ++end;
      digits();
    }
    if (!index && end < s_.size() && (s_[end] == 'e' || s_[end] == 'E')) {
      std::size_t e = end + 1;
      if (e < s_.size() && (s_[e] == '+' || s_[e] == '-')) ++e;
      if (e < s_.size() && digit(s_[e])) {
        is_real = true;
        end = e;
        digits();
      }
    }
    std::string text = s_.substr(at_, end - at_);
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    emit(is_real ? TokenKind::real : TokenKind::integer, text);
    at_ = end;
  }

  void whole_number(int base) {
    std::size_t end = at_ + 2;
    std::string text;
    for (; end < s_.size(); ++end) {
      const char c = s_[end];
      const char low = static_cast<char>(c | 0x20);
      const int value = digit(c) ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : 99;
      if (value < base)
        text += c;
      else if (c != '_')
        break;
    }
    const auto value = BigInteger::of_base(text, base);
    if (!value) error("this is no number");
    emit(TokenKind::integer, value->decimal());
    at_ = end;
  }

  char32_t hex(std::size_t at, std::size_t digits) const {
    char32_t code = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const char c = at + i < s_.size() ? s_[at + i] : '\0';
      if (digit(c)) {
        code = code * 16 + static_cast<char32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        code = code * 16 + static_cast<char32_t>(c - 'a' + 10);
      } else if (c >= 'A' && c <= 'F') {
        code = code * 16 + static_cast<char32_t>(c - 'A' + 10);
      } else {
        error("a string has an escape with too few hexadecimal digits");
      }
    }
    return code;
  }

  /// Python's escapes; unknown ones keep their backslash.
  void string(char quote) {
    const std::size_t start = at_;
    std::string value;
    std::size_t p = at_ + 1;
    for (;; ++p) {
      if (p >= s_.size()) error("a string is not closed");
      if (s_[p] == quote) break;
      if (s_[p] != '\\') {
        value += s_[p];
        continue;
      }
      if (++p >= s_.size()) error("a string is not closed");
      const char e = s_[p];
      static constexpr std::string_view kFrom = "\\'\"abfnrtv";
      static constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
      const std::size_t simple = kFrom.find(e);
      if (simple != std::string_view::npos) {
        value += kTo[simple];
      } else if (e == '\n') {
        continue;
      } else if (e == 'x' || e == 'u' || e == 'U') {
        const std::size_t digits = e == 'x' ? 2 : e == 'u' ? 4 : 8;
        unicode::append(hex(p + 1, digits), value);
        p += digits;
      } else if (e >= '0' && e <= '7') {
        char32_t code = 0;
        std::size_t n = 0;
        for (; n < 3 && p + n < s_.size() && s_[p + n] >= '0' && s_[p + n] <= '7'; ++n)
          code = code * 8 + static_cast<char32_t>(s_[p + n] - '0');
        unicode::append(code, value);
        p += n - 1;
      } else {
        value += '\\';
        value += e;
      }
    }
    emit_at(TokenKind::string, std::move(value), start);
    at_ = p + 1;
  }

  void op(char c, std::string& open) {
    static constexpr std::array<std::string_view, 6> kTwo{"==", "!=", ">=", "<=", "//", "**"};
    for (const std::string_view two : kTwo) {
      if (!looking_at(two)) continue;
      emit(TokenKind::op, std::string(two));
      at_ += 2;
      return;
    }
    static constexpr std::string_view kOne = "+-/*%~[](){}<>=.:|,;";
    if (kOne.find(c) == std::string_view::npos)
      error("unexpected character '" + std::string(1, c) + "'");
    if (c == '(') open += ')';
    if (c == '[') open += ']';
    if (c == '{') open += '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty()) error("unexpected '" + std::string(1, c) + "'");
      if (open.back() != c)
        error("unexpected '" + std::string(1, c) + "', expected '" + open.back() + "'");
      open.pop_back();
    }
    emit(TokenKind::op, std::string(1, c));
    ++at_;
  }

  std::string s_;
  std::size_t at_ = 0;
  std::size_t counted_ = 0;
  int line_ = 1;
  std::size_t line_start_ = 0;
  bool line_starting_ = true;
  std::vector<Token> out_;
};

}  // namespace

void syntax_error(const std::string& message, int line, int column) {
  throw Error(ErrorCode::input, message).at({"chat template", line, column, ""});
}

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace axl::tokenizer::jinja
