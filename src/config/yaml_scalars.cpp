// Scalars of YAML 1.1: in quotes, plain, and in blocks.
#include <algorithm>

#include "config/yaml_scanner.hpp"
#include "core/utf8.hpp"

namespace axl::config {
YamlToken YamlScanner::quoted(char quote) {
  YamlToken token{YamlToken::Kind::scalar, mark(), "", false};
  skip();
  quoted_run(quote, token.mark, token.text);
  while (look() != quote) {
    quoted_space(token.mark, token.text);
    quoted_run(quote, token.mark, token.text);
  }
  skip();
  return token;
}

/// Up to the next blank, line break or closing quote.
void YamlScanner::quoted_run(char quote, YamlMark start, std::string& out) {
  while (!blank_at(0)) {
    const char c = look();
    if (c == quote) {
      if (quote != '\'' || look(1) != '\'') return;
      skip();  // '' is one quote
    } else if (c == '\\' && quote == '"') {
      skip();
      escape(start, out);
      continue;
    }
    out += c;
    skip();
  }
}

/// Blanks stay; around a line break they vanish, and the break becomes a space, or as many breaks
/// as there are empty lines.
void YamlScanner::quoted_space(YamlMark start, std::string& out) {
  std::string blanks;
  while (look() == ' ' || look() == '\t') {
    blanks += look();
    skip();
  }
  if (ended()) fail(start, "the quote that begins here is never closed", "close it in its line");
  if (!skip_break()) {
    out += blanks;
    return;
  }
  const std::string breaks = quoted_breaks(start);
  out += breaks.empty() ? " " : breaks;
}

std::string YamlScanner::quoted_breaks(YamlMark start) {
  std::string out;
  for (;;) {
    if (document_mark_here("---") || document_mark_here("..."))
      fail(start, "the quote that begins here is not closed before the document ends",
           "close it in its line");
    while (look() == ' ' || look() == '\t') skip();
    if (!skip_break()) return out;
    out += '\n';
  }
}

std::uint32_t YamlScanner::hex(int digits, YamlMark start) {
  std::uint32_t code = 0;
  for (int i = 0; i < digits; ++i) {
    const char c = look();
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (value < 0)
      fail(start, "an escape in this text needs " + std::to_string(digits) + " hexadecimal digits",
           "a backslash itself is \\\\, or use single quotes");
    code = code * 16 + static_cast<std::uint32_t>(value);
    skip();
  }
  return code;
}

void YamlScanner::escape(YamlMark start, std::string& out) {
  struct Replacement {
    char letter;
    std::string_view text;
  };
  using namespace std::string_view_literals;
  static constexpr Replacement kReplacements[] = {
      {'0', "\0"sv},           {'a', "\a"sv},          {'b', "\b"sv},       {'t', "\t"sv},
      {'\t', "\t"sv},          {'n', "\n"sv},          {'v', "\v"sv},       {'f', "\f"sv},
      {'r', "\r"sv},           {'e', "\x1B"sv},        {' ', " "sv},        {'"', "\""sv},
      {'\\', "\\"sv},          {'/', "/"sv},           {'N', "\xC2\x85"sv}, {'_', "\xC2\xA0"sv},
      {'L', "\xE2\x80\xA8"sv}, {'P', "\xE2\x80\xA9"sv}};
  const char c = look();
  for (const Replacement& r : kReplacements)
    if (!ended() && r.letter == c) {
      out += r.text;
      return skip();
    }
  const int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits > 0) {
    skip();
    std::uint32_t code = hex(digits, start);
    // JSON's way of writing what has no place in 16 bits: two halves.
    if (code >= 0xD800 && code < 0xDC00 && look() == '\\' && look(1) == 'u') {
      const std::size_t begin = at_ - 6;
      skip(2);
      const std::uint32_t low = hex(4, start);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        split_characters_.push_back(begin);
      }
    }
    if ((code >= 0xD800 && code < 0xE000) || code > 0x10FFFF)
      fail(start, "an escape in this text is no character",
           "half of a surrogate pair stands alone, or the number is too large");
    return append_utf8(code, out);
  }
  if (c == '\n') {
    skip_break();
    out += quoted_breaks(start);
    return;
  }
  if (ended()) return;  // the quote is not closed: said by quoted_space()
  fail(start, std::string("this text holds the unknown escape '\\") + c + "'",
       "a backslash itself is \\\\, or use single quotes");
}

YamlToken YamlScanner::plain() {
  YamlToken token{YamlToken::Kind::scalar, mark(), "", true};
  const int least = indent_ + 1;
  std::string space;
  for (;;) {
    if (look() == '#') break;
    std::size_t length = 0;
    for (; !blank_at(length); ++length) {
      const char c = look(length);
      constexpr std::string_view kFlow = ",?[]{}";
      if (flow_ > 0 && kFlow.find(c) != std::string_view::npos) break;
      if (c != ':') continue;
      if (blank_at(length + 1)) break;
      constexpr std::string_view kBehindColon = ",[]{}";
      if (flow_ > 0 && kBehindColon.find(look(length + 1)) != std::string_view::npos) break;
    }
    if (length == 0) break;
    key_allowed_ = false;
    token.text += space;
    token.text += text_.substr(at_, length);
    skip(length);
    const int line = line_;
    space.clear();
    const bool any = plain_space(space);
    if (line_ != line) token.simple = false;
    if (!any || look() == '#' || (flow_ == 0 && column_ < least)) break;
  }
  return token;
}

/// What stands between two words of a plain scalar; false where it ends.
bool YamlScanner::plain_space(std::string& out) {
  while (look() == ' ') {
    out += ' ';
    skip();
  }
  if (look() != '\n') return !out.empty();
  out.clear();
  skip_break();
  key_allowed_ = true;
  if (document_mark_here("---") || document_mark_here("...")) return false;
  while (look() == ' ' || look() == '\n') {
    if (look() == ' ') {
      skip();
      continue;
    }
    skip_break();
    out += '\n';
    if (document_mark_here("---") || document_mark_here("...")) return false;
  }
  if (out.empty()) out = " ";
  return true;
}

/// Empty lines before a line of the block.
std::string YamlScanner::block_breaks(int indent) {
  std::string out;
  for (;;) {
    while (column_ < indent && look() == ' ') skip();
    if (!skip_break()) return out;
    out += '\n';
  }
}

YamlToken YamlScanner::block_scalar(bool folded) {
  YamlToken token{YamlToken::Kind::scalar, mark(), "", false};
  const auto wrong = [&](const char* what) {
    fail(token.mark,
         std::string("a block of text that begins with ") + (folded ? "'>'" : "'|'") + what,
         "behind it may stand + or -, a digit from 1 to 9, and a comment");
  };
  skip();
  char chomping = 0;
  int increment = 0;
  for (int i = 0; i < 2; ++i) {
    const char c = look();
    if ((c == '+' || c == '-') && chomping == 0) {
      chomping = c;
      skip();
    } else if (c >= '0' && c <= '9' && increment == 0) {
      increment = c - '0';
      if (increment == 0) wrong(" has the indentation 0");
      skip();
    }
  }
  if (look() != ' ' && look() != '\n' && !ended()) wrong(" has something else behind it");
  while (look() == ' ') skip();
  if (look() == '#')
    while (!ended() && look() != '\n') skip();
  if (!ended() && look() != '\n') wrong(" has text in the same line");
  skip_break();

  const int least = std::max(indent_ + 1, 1);
  int indent = least + increment - 1;
  std::string breaks;
  if (increment > 0) {
    breaks = block_breaks(indent);
  } else {  // the first line that is not empty tells
    int deepest = 0;
    while (look() == ' ' || look() == '\n') {
      if (look() == '\n') {
        breaks += '\n';
        skip_break();
      } else {
        skip();
        deepest = std::max(deepest, column_);
      }
    }
    indent = std::max(least, deepest);
  }
  std::string line_break;
  while (column_ == indent && !ended()) {
    token.text += breaks;
    const bool text_first = look() != ' ' && look() != '\t';
    while (!ended() && look() != '\n') {
      token.text += look();
      skip();
    }
    line_break = skip_break() ? "\n" : "";
    breaks = block_breaks(indent);
    if (column_ != indent || ended()) break;
    if (folded && line_break == "\n" && text_first && look() != ' ' && look() != '\t')
      token.text += breaks.empty() ? " " : "";
    else
      token.text += line_break;
  }
  if (chomping != '-') token.text += line_break;
  if (chomping == '+') token.text += breaks;
  return token;
}

}  // namespace axl::config
