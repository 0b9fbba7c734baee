#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/jinja/lexer.hpp"

namespace axl::tokenizer::jinja {

/// Reading position in a template's tokens.
class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  Token next() {
    Token t = tokens_[at_];
    if (at_ + 1 < tokens_.size()) ++at_;
    return t;
  }
  bool is(TokenKind kind) const { return current().kind == kind; }
  bool is_op(std::string_view op) const {
    return current().kind == TokenKind::op && current().text == op;
  }
  bool is_name(std::string_view name) const {
    return current().kind == TokenKind::name && current().text == name;
  }
  bool skip_op(std::string_view op) {
    if (!is_op(op)) return false;
    next();
    return true;
  }
  bool skip_name(std::string_view name) {
    if (!is_name(name)) return false;
    next();
    return true;
  }
  void expect_op(std::string_view op) {
    if (!skip_op(op)) unexpected("'" + std::string(op) + "'");
  }
  void expect_name(std::string_view name) {
    if (!skip_name(name)) unexpected("'" + std::string(name) + "'");
  }
  std::string expect_identifier() {
    if (!is(TokenKind::name)) unexpected("a name");
    return next().text;
  }
  void expect(TokenKind kind, const char* what) {
    if (!is(kind)) unexpected(what);
    next();
  }
  std::size_t position() const { return at_; }
  /// Was this name read since `from`?
  bool named_since(std::size_t from, std::string_view name) const {
    for (std::size_t i = from; i < at_; ++i)
      if (tokens_[i].kind == TokenKind::name && tokens_[i].text == name) return true;
    return false;
  }
  [[noreturn]] void unexpected(const std::string& wanted) const {
    const Token& t = current();
    syntax_error("expected " + wanted + ", got " + describe(t), t.line, t.column);
  }
  [[noreturn]] void error(const std::string& message) const {
    syntax_error(message, current().line, current().column);
  }
  static std::string describe(const Token& t) {
    switch (t.kind) {
      case TokenKind::block_begin:
        return "'{%'";
      case TokenKind::block_end:
        return "'%}'";
      case TokenKind::variable_begin:
        return "'{{'";
      case TokenKind::variable_end:
        return "'}}'";
      case TokenKind::data:
        return "text";
      case TokenKind::end:
        return "the end of the template";
      default:
        return "'" + t.text + "'";
    }
  }

 private:
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace axl::tokenizer::jinja
