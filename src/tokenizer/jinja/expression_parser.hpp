#pragma once
#include <cstdint>

#include "tokenizer/jinja/ast.hpp"
#include "tokenizer/jinja/token_stream.hpp"

namespace axl::tokenizer::jinja {

/// Expressions with Jinja's precedence. Nesting is bounded, so that no template overflows the
/// stack.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& stream) : s_(stream) {}
  ExprPtr expression(bool with_conditional = true);
  /// One expression, or several with commas between as a tuple.
  ExprPtr tuple(bool with_conditional = true, bool explicit_parentheses = false);
  /// `| name(...)`, or without a first bar for a filter block.
  ExprPtr filters(ExprPtr node, bool start_inline);

 private:
  /// Binary operators, the weakest first. `not` and comparisons stand between `and` and sums.
  enum class Strength : std::uint8_t { disjunction, conjunction, sum, concat, product, power };

  CallArguments call_arguments();
  ExprPtr unary(bool with_filter = true);
  ExprPtr binary(Strength strength);
  ExprPtr operand(Strength of);
  ExprPtr logical_not();
  ExprPtr comparison();
  ExprPtr primary();
  ExprPtr list();
  ExprPtr dict();
  ExprPtr postfix(ExprPtr node);
  ExprPtr subscript(ExprPtr node);
  ExprPtr filter_or_test(ExprPtr node);
  ExprPtr test(ExprPtr node);
  ExprPtr make(ExprKind kind) const;
  ExprPtr pair(ExprKind kind, ExprPtr left, ExprPtr right) const;
  /// Makes `child` (which may be null) a child of `parent`; refuses trees that are too high.
  void adopt(Expr& parent, ExprPtr child) const;
  void raise(Expr& parent, const Expr* child) const;
  void parse_arguments(Expr& parent);
  bool tuple_ends() const;

  TokenStream& s_;
  int depth_ = 0;
};

}  // namespace axl::tokenizer::jinja
