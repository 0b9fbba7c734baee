#include "core/python_json.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "core/utf8.hpp"

namespace axl {
namespace {

using json = nlohmann::ordered_json;

constexpr int kDeepest = 1000;
constexpr std::size_t kMostDigits = 4300;  // sys.get_int_max_str_digits()

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  PythonJson run() {
    PythonJson out;
    try {
      out.value = value();
      skip_space();
      if (at_ < text_.size()) wrong("text after the value");
    } catch (const Wrong& w) {
      out.value = json(json::value_t::discarded);
      out.error = std::string(w.what) + " at byte " + std::to_string(at_ + 1);
    }
    out.duplicate_keys = duplicate_keys_;
    return out;
  }

 private:
  struct Wrong {
    const char* what;
  };
  [[noreturn]] static void wrong(const char* what) { throw Wrong{what}; }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  json value() {
    skip_space();
    if (at_ == text_.size()) wrong("a value is missing");
    switch (text_[at_]) {
      case '{':
        return object();
      case '[':
        return array();
      case '"':
        return string();
      default:
        break;
    }
    if (is_digit(peek()) || (peek() == '-' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])))
      return number();
    if (take("true")) return true;
    if (take("false")) return false;
    if (take("null")) return nullptr;
    if (take("NaN")) return std::numeric_limits<double>::quiet_NaN();
    if (take("Infinity")) return std::numeric_limits<double>::infinity();
    if (take("-Infinity")) return -std::numeric_limits<double>::infinity();
    wrong("a value is missing");
  }

  void enter() {
    if (++depth_ > kDeepest) wrong("values are nested deeper than 1000 levels");
    ++at_;
    skip_space();
  }
  /// Behind a member: true when another one follows.
  bool continues(char end) {
    skip_space();
    if (peek() == ',') {
      ++at_;
      skip_space();
      return true;
    }
    if (at_ >= text_.size() || text_[at_] != end) wrong("a comma or closing bracket is missing");
    ++at_;
    --depth_;
    return false;
  }

  json object() {
    json out = json::object();
    enter();
    if (peek() == '}') {
      ++at_;
      --depth_;
      return out;
    }
    do {
      if (peek() != '"') wrong("a key is missing");
      std::string key = string();
      skip_space();
      if (peek() != ':') wrong("a colon is missing");
      ++at_;
      const std::size_t before = out.size();
      json& member = out[key];
      duplicate_keys_ |= out.size() == before;
      member = value();
    } while (continues('}'));
    return out;
  }

  json array() {
    json out = json::array();
    enter();
    if (peek() == ']') {
      ++at_;
      --depth_;
      return out;
    }
    do {
      out.push_back(value());
    } while (continues(']'));
    return out;
  }

  std::uint32_t hex() {
    if (at_ + 4 > text_.size()) wrong("an escape is cut off");
    std::uint32_t code = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
    if (error != std::errc() || end != begin + 4) wrong("an escape has no four hexadecimal digits");
    at_ += 4;
    return code;
  }

  std::string string() {
    std::string out;
    for (++at_;;) {
      const std::size_t from = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20)
        ++at_;
      out.append(text_, from, at_ - from);
      if (at_ == text_.size()) wrong("a string is not closed");
      if (text_[at_] == '"') {
        ++at_;
        return out;
      }
      if (text_[at_] != '\\') wrong("a control character inside of a string");
      if (++at_ == text_.size()) wrong("a string is not closed");
      static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
      const char c = text_[at_++];
      if (const std::size_t simple = kFrom.find(c); simple != std::string_view::npos) {
        out += kTo[simple];
      } else if (c == 'u') {
        std::uint32_t code = hex();
        if (code >= 0xD800 && code < 0xE000) {
          std::uint32_t low = 0;
          if (code < 0xDC00 && take("\\u")) low = hex();
          if (low < 0xDC00 || low > 0xDFFF) wrong("an escape of half a surrogate pair");
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        append_utf8(code, out);
      } else {
        --at_;
        wrong("an unknown escape");
      }
    }
  }

  json number() {
    const std::size_t from = at_;
    const auto digits = [this] {
      const std::size_t before = at_;
      while (is_digit(peek())) ++at_;
      return at_ - before;
    };
    if (peek() == '-') ++at_;
    if (peek() == '0')
      ++at_;  // another digit is text after the number
    else
      digits();
    bool whole = true;
    if (peek() == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])) {
      whole = false;
      ++at_;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      const std::size_t before = at_++;
      if (peek() == '+' || peek() == '-') ++at_;
      if (digits() == 0)
        at_ = before;
      else
        whole = false;
    }
    const std::string token(text_.substr(from, at_ - from));
    const char *const begin = token.data(), *const end = begin + token.size();
    if (whole) {
      std::int64_t small = 0;
      if (std::from_chars(begin, end, small).ec == std::errc()) return small;
      std::uint64_t positive = 0;
      if (token[0] != '-' && std::from_chars(begin, end, positive).ec == std::errc())
        return positive;
      if (token.size() - (token[0] == '-') > kMostDigits)
        wrong("an integer of more than 4300 digits");
      return big_integer(token);
    }
    const double real = std::strtod(token.c_str(), nullptr);
    if (std::isinf(real)) wrong("a number that is too large");
    return real;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool duplicate_keys_ = false;
};

}  // namespace

PythonJson parse_python_json(std::string_view text) { return Parser(text).run(); }

}  // namespace axl
