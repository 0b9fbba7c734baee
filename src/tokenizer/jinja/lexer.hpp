#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace axl::tokenizer::jinja {

enum class TokenKind : std::uint8_t {
  data,            ///< text between tags
  block_begin,     ///< {%
  block_end,       ///< %}
  variable_begin,  ///< {{
  variable_end,    ///< }}
  name,
  string,
  integer,
  real,
  op,  ///< operator or bracket, in `text`
  end
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  int line = 1;
  int column = 1;
};

/// Cuts a template into tokens with Jinja's whitespace rules (trim_blocks, lstrip_blocks, the minus
/// and plus signs of tags, the dropped last newline). Error{input} with line and column.
std::vector<Token> tokenize(std::string_view source);

/// Error{input} at a place of the template.
[[noreturn]] void syntax_error(const std::string& message, int line, int column);

}  // namespace axl::tokenizer::jinja
