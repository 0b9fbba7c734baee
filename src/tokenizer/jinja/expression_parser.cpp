#include "tokenizer/jinja/expression_parser.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace axl::tokenizer::jinja {
namespace {

constexpr int kDeepest = 200;

/// Counts nesting for as long as it lives.
class Depth {
 public:
  Depth(int& depth, const TokenStream& s) : depth_(depth) {
    if (++depth_ > kDeepest) s.error("expressions are nested deeper than 200 levels");
  }
  ~Depth() { --depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  int& depth_;
};

/// Operators of one strength; they group from the left.
struct Level {
  ExprKind kind;
  std::array<std::string_view, 4> operators;
};

/// From the weakest to the strongest, in the order of ExpressionParser::Strength.
constexpr std::array<Level, 6> kLevels{{{ExprKind::logical_or, {"or"}},
                                        {ExprKind::logical_and, {"and"}},
                                        {ExprKind::binary, {"+", "-"}},
                                        {ExprKind::concat, {"~"}},
                                        {ExprKind::binary, {"*", "/", "//", "%"}},
                                        {ExprKind::binary, {"**"}}}};

/// The operator of this level that comes next, or nullptr.
const std::string_view* find_operator(const Level& level, const TokenStream& s) {
  const bool word = level.kind == ExprKind::logical_or || level.kind == ExprKind::logical_and;
  for (const std::string_view& op : level.operators)
    if (!op.empty() && (word ? s.is_name(op) : s.is_op(op))) return &op;
  return nullptr;
}

bool is_comparison(const TokenStream& s) {
  static constexpr std::array<std::string_view, 6> kOps{"==", "!=", "<", "<=", ">", ">="};
  for (const std::string_view op : kOps)
    if (s.is_op(op)) return true;
  return false;
}

}  // namespace

ExprPtr ExpressionParser::make(ExprKind kind) const {
  auto e = std::make_unique<Expr>();
  e->kind = kind;
  e->line = s_.current().line;
  e->column = s_.current().column;
  return e;
}

void ExpressionParser::raise(Expr& parent, const Expr* child) const {
  constexpr int kHighest = 400;
  if (child == nullptr || child->height < parent.height) return;
  parent.height = child->height + 1;
  if (parent.height > kHighest) s_.error("an expression has more than 400 nested parts");
}

void ExpressionParser::adopt(Expr& parent, ExprPtr child) const {
  raise(parent, child.get());
  parent.children.push_back(std::move(child));
}

void ExpressionParser::parse_arguments(Expr& parent) {
  parent.arguments = call_arguments();
  for (const ExprPtr& e : parent.arguments.positional) raise(parent, e.get());
  for (const auto& [name, e] : parent.arguments.named) raise(parent, e.get());
  raise(parent, parent.arguments.star.get());
  raise(parent, parent.arguments.double_star.get());
}

ExprPtr ExpressionParser::pair(ExprKind kind, ExprPtr left, ExprPtr right) const {
  ExprPtr e = make(kind);
  adopt(*e, std::move(left));
  adopt(*e, std::move(right));
  return e;
}

ExprPtr ExpressionParser::expression(bool with_conditional) {
  const Depth guard(depth_, s_);
  ExprPtr node = binary(Strength::disjunction);
  while (with_conditional && s_.skip_name("if")) {
    ExprPtr condition = binary(Strength::disjunction);
    ExprPtr other = s_.skip_name("else") ? expression() : nullptr;
    node = pair(ExprKind::conditional, std::move(node), std::move(condition));
    adopt(*node, std::move(other));
  }
  return node;
}

ExprPtr ExpressionParser::logical_not() {
  if (!s_.is_name("not")) return comparison();
  const Depth guard(depth_, s_);
  ExprPtr e = make(ExprKind::logical_not);
  s_.next();
  adopt(*e, logical_not());
  return e;
}

ExprPtr ExpressionParser::comparison() {
  ExprPtr first = binary(Strength::sum);
  std::vector<std::string> operators;
  std::vector<ExprPtr> operands;
  for (;;) {
    if (is_comparison(s_)) {
      operators.push_back(s_.next().text);
    } else if (s_.skip_name("in")) {
      operators.emplace_back("in");
    } else if (s_.is_name("not") && s_.ahead().kind == TokenKind::name && s_.ahead().text == "in") {
      s_.next();
      s_.next();
      operators.emplace_back("not in");
    } else {
      break;
    }
    operands.push_back(binary(Strength::sum));
  }
  if (operators.empty()) return first;
  ExprPtr e = make(ExprKind::comparison);
  e->operators = std::move(operators);
  adopt(*e, std::move(first));
  for (ExprPtr& o : operands) adopt(*e, std::move(o));
  return e;
}

ExprPtr ExpressionParser::operand(Strength of) {
  if (of == Strength::conjunction) return logical_not();
  if (of == Strength::power) return unary();
  return binary(static_cast<Strength>(static_cast<int>(of) + 1));
}

ExprPtr ExpressionParser::binary(Strength strength) {
  const Level& level = kLevels[static_cast<std::size_t>(strength)];
  ExprPtr left = operand(strength);
  bool joined = false;
  while (const std::string_view* op = find_operator(level, s_)) {
    s_.next();
    ExprPtr right = operand(strength);
    if (level.kind == ExprKind::concat && std::exchange(joined, true)) {
      adopt(*left, std::move(right));  // all of a ~ b ~ c is one text
      continue;
    }
    left = pair(level.kind, std::move(left), std::move(right));
    if (level.kind == ExprKind::binary) left->text = *op;
  }
  return left;
}

ExprPtr ExpressionParser::unary(bool with_filter) {
  const Depth guard(depth_, s_);
  ExprPtr node;
  if (s_.is_op("-") || s_.is_op("+")) {
    node = make(s_.is_op("-") ? ExprKind::negate : ExprKind::plus);
    s_.next();
    adopt(*node, unary(false));
  } else {
    node = primary();
  }
  node = postfix(std::move(node));
  return with_filter ? filter_or_test(std::move(node)) : std::move(node);
}

ExprPtr ExpressionParser::primary() {
  const Token t = s_.current();
  ExprPtr e = make(ExprKind::constant);
  if (t.kind == TokenKind::name) {
    s_.next();
    if (t.text == "true" || t.text == "True" || t.text == "false" || t.text == "False") {
      e->value = t.text == "true" || t.text == "True";
    } else if (t.text == "none" || t.text == "None") {
      e->value = None{};
    } else {
      e->kind = ExprKind::name;
      e->text = t.text;
    }
    return e;
  }
  if (t.kind == TokenKind::string) {
    std::string text;
    while (s_.is(TokenKind::string)) text += s_.next().text;
    e->value = std::move(text);
    return e;
  }
  if (t.kind == TokenKind::integer) {
    if (t.text.size() > 4300) s_.error("a number has more than 4300 digits, as Python reads");
    e->value = Value::integer(BigInteger(std::string_view(t.text)));
    s_.next();
    return e;
  }
  if (t.kind == TokenKind::real) {
    double d = 0;
    std::from_chars(t.text.data(), t.text.data() + t.text.size(), d);
    s_.next();
    e->value = d;
    return e;
  }
  if (s_.skip_op("(")) {
    ExprPtr inner = tuple(true, true);
    s_.expect_op(")");
    return inner;
  }
  if (s_.is_op("[")) return list();
  if (s_.is_op("{")) return dict();
  s_.unexpected("an expression");
}

bool ExpressionParser::tuple_ends() const {
  return s_.is(TokenKind::variable_end) || s_.is(TokenKind::block_end) || s_.is_op(")") ||
         s_.is_name("in");
}

ExprPtr ExpressionParser::tuple(bool with_conditional, bool explicit_parentheses) {
  const Depth guard(depth_, s_);
  std::vector<ExprPtr> items;
  bool comma = false;
  for (;;) {
    if (!items.empty()) {
      if (!s_.skip_op(",")) break;
      comma = true;
    }
    if (tuple_ends()) break;
    items.push_back(expression(with_conditional));
  }
  if (!comma) {
    if (!items.empty()) return std::move(items[0]);
    if (!explicit_parentheses) s_.unexpected("an expression");
  }
  ExprPtr e = make(ExprKind::tuple);
  for (ExprPtr& item : items) adopt(*e, std::move(item));
  return e;
}

ExprPtr ExpressionParser::list() {
  const Depth guard(depth_, s_);
  ExprPtr e = make(ExprKind::list);
  s_.expect_op("[");
  while (!s_.is_op("]")) {
    if (!e->children.empty()) s_.expect_op(",");
    if (s_.is_op("]")) break;
    adopt(*e, expression());
  }
  s_.expect_op("]");
  return e;
}

ExprPtr ExpressionParser::dict() {
  const Depth guard(depth_, s_);
  ExprPtr e = make(ExprKind::dict);
  s_.expect_op("{");
  while (!s_.is_op("}")) {
    if (!e->children.empty()) s_.expect_op(",");
    if (s_.is_op("}")) break;
    adopt(*e, expression());
    s_.expect_op(":");
    adopt(*e, expression());
  }
  s_.expect_op("}");
  return e;
}

ExprPtr ExpressionParser::postfix(ExprPtr node) {
  for (;;) {
    if (s_.skip_op(".")) {
      if (s_.is(TokenKind::integer)) {
        ExprPtr index = make(ExprKind::constant);
        index->value = static_cast<std::int64_t>(std::stoi(s_.next().text.substr(0, 9)));
        node = pair(ExprKind::subscript, std::move(node), std::move(index));
        continue;
      }
      ExprPtr e = make(ExprKind::attribute);
      e->text = s_.expect_identifier();
      adopt(*e, std::move(node));
      node = std::move(e);
    } else if (s_.is_op("[")) {
      node = subscript(std::move(node));
    } else if (s_.is_op("(")) {
      ExprPtr e = make(ExprKind::call);
      adopt(*e, std::move(node));
      parse_arguments(*e);
      node = std::move(e);
    } else {
      return node;
    }
  }
}

ExprPtr ExpressionParser::subscript(ExprPtr node) {
  ExprPtr e = make(ExprKind::subscript);
  adopt(*e, std::move(node));
  s_.expect_op("[");
  ExprPtr first;
  if (!s_.is_op(":")) {
    first = expression();
    if (!s_.is_op(":")) {
      if (s_.is_op(",")) {
        ExprPtr key = make(ExprKind::tuple);
        adopt(*key, std::move(first));
        while (s_.skip_op(",")) adopt(*key, expression());
        first = std::move(key);
      }
      s_.expect_op("]");
      adopt(*e, std::move(first));
      return e;
    }
  }
  e->kind = ExprKind::slice;
  adopt(*e, std::move(first));
  for (int part = 0; part < 2; ++part) {
    const bool there = s_.skip_op(":");
    const bool bound = there && !s_.is_op(":") && !s_.is_op("]");
    adopt(*e, bound ? expression() : nullptr);
  }
  s_.expect_op("]");
  return e;
}

CallArguments ExpressionParser::call_arguments() {
  CallArguments out;
  s_.expect_op("(");
  bool first = true;
  while (!s_.is_op(")")) {
    if (!first) s_.expect_op(",");
    first = false;
    if (s_.is_op(")")) break;
    if (s_.skip_op("*")) {
      out.star = expression();
    } else if (s_.skip_op("**")) {
      out.double_star = expression();
    } else if (s_.is(TokenKind::name) && s_.ahead().kind == TokenKind::op &&
               s_.ahead().text == "=") {
      std::string name = s_.next().text;
      s_.next();
      out.named.emplace_back(std::move(name), expression());
    } else {
      if (!out.named.empty() || out.star || out.double_star)
        s_.error("a positional argument follows a named one");
      out.positional.push_back(expression());
    }
  }
  s_.expect_op(")");
  return out;
}

ExprPtr ExpressionParser::filter_or_test(ExprPtr node) {
  for (;;) {
    if (s_.is_op("|")) {
      node = filters(std::move(node), false);
    } else if (s_.is_name("is")) {
      node = test(std::move(node));
    } else if (s_.is_op("(")) {
      ExprPtr e = make(ExprKind::call);
      adopt(*e, std::move(node));
      parse_arguments(*e);
      node = std::move(e);
    } else {
      return node;
    }
  }
}

ExprPtr ExpressionParser::filters(ExprPtr node, bool start_inline) {
  while (s_.is_op("|") || start_inline) {
    if (!start_inline) s_.next();
    start_inline = false;
    ExprPtr e = make(ExprKind::filter);
    e->text = s_.expect_identifier();
    while (s_.skip_op(".")) e->text += "." + s_.expect_identifier();
    adopt(*e, std::move(node));
    if (s_.is_op("(")) parse_arguments(*e);
    node = std::move(e);
  }
  return node;
}

ExprPtr ExpressionParser::test(ExprPtr node) {
  ExprPtr e = make(ExprKind::test);
  s_.expect_name("is");
  const bool negated = s_.skip_name("not");
  e->text = s_.expect_identifier();
  while (s_.skip_op(".")) e->text += "." + s_.expect_identifier();
  adopt(*e, std::move(node));
  const Token& t = s_.current();
  const bool value = t.kind == TokenKind::name || t.kind == TokenKind::string ||
                     t.kind == TokenKind::integer || t.kind == TokenKind::real || s_.is_op("[") ||
                     s_.is_op("{");
  if (s_.is_op("(")) {
    parse_arguments(*e);
  } else if (value && !s_.is_name("else") && !s_.is_name("or") && !s_.is_name("and")) {
    if (s_.is_name("is")) s_.error("tests cannot be chained with 'is'");
    ExprPtr argument = primary();
    e->arguments.positional.push_back(postfix(std::move(argument)));
    raise(*e, e->arguments.positional.back().get());
  }
  if (!negated) return e;
  ExprPtr inverse = make(ExprKind::logical_not);
  adopt(*inverse, std::move(e));
  return inverse;
}

}  // namespace axl::tokenizer::jinja
