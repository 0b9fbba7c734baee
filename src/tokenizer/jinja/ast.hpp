#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/jinja/value.hpp"

namespace axl::tokenizer::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// Positional arguments, named ones, and what follows * and **.
struct CallArguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr star;
  ExprPtr double_star;
};

enum class ExprKind : std::uint8_t {
  constant,
  name,
  list,
  tuple,
  dict,         ///< children: key, value, key, value...
  attribute,    ///< children[0] . text
  subscript,    ///< children[0] [ children[1] ]
  slice,        ///< children[0] [ children[1] : children[2] : children[3] ], each may be null
  call,         ///< children[0] ( arguments )
  filter,       ///< children[0] | text ( arguments ); children[0] null inside a filter block
  test,         ///< children[0] is text ( arguments )
  negate,       ///< - children[0]
  plus,         ///< + children[0]
  logical_not,  ///< not children[0]
  logical_and,
  logical_or,
  binary,      ///< children[0] text children[1]: + - * / // % **
  concat,      ///< children joined by ~
  comparison,  ///< children[0] operators[0] children[1] operators[1] ...
  conditional  ///< children[0] if children[1] else children[2] (may be null)
};

struct Expr {
  ExprKind kind = ExprKind::constant;
  int line = 0;
  int column = 0;
  int height = 1;  ///< of the tree below; bounded, since evaluation and destruction recurse
  std::string text;
  Value value;
  std::vector<ExprPtr> children;
  std::vector<std::string> operators;
  CallArguments arguments;
};

struct Stmt;
using Body = std::vector<std::unique_ptr<Stmt>>;

enum class StmtKind : std::uint8_t {
  data,          ///< text
  output,        ///< expr
  conditional,   ///< if: branches; a branch without condition is the else
  for_loop,      ///< target in expr (if condition): body, or else_body when there was no item
  set,           ///< target = expr
  set_block,     ///< target = rendered body, through the filter expr when there is one
  macro,         ///< text ( parameters ): body
  call_block,    ///< expr is the call; body is caller(parameters)
  filter_block,  ///< expr is the filter chain over the rendered body
  scope,         ///< generation: body
  with,          ///< assignments, body
  loop_break,
  loop_continue
};

/// Where a for or set writes: a name, a namespace's attribute, or several of them.
struct Target {
  std::string name;
  std::string attribute;
  std::vector<Target> parts;
};

struct Parameter {
  std::string name;
  ExprPtr fallback;
};

struct Branch {
  ExprPtr condition;
  Body body;
};

struct Stmt {
  StmtKind kind = StmtKind::data;
  int line = 0;
  int column = 0;
  std::string text;
  Target target;
  ExprPtr expr;
  ExprPtr condition;
  bool recursive = false;
  std::vector<Branch> branches;
  std::vector<Parameter> parameters;
  bool uses_caller = false;    ///< of a macro: its body names caller,
  bool takes_varargs = false;  ///< varargs, and so takes more arguments than it declares,
  bool takes_kwargs = false;   ///< or kwargs
  std::vector<std::pair<Target, ExprPtr>> assignments;
  Body body;
  Body else_body;
};

}  // namespace axl::tokenizer::jinja
