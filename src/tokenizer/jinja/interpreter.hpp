#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/jinja/ast.hpp"
#include "tokenizer/jinja/value.hpp"

namespace axl::tokenizer::jinja {

/// One level of variables. A macro keeps its place of definition weakly: the scope owns the macro.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<std::string, Value>> variables;
  const Value* find_here(std::string_view name) const;
  void set(const std::string& name, Value value);
};

/// Runs one rendering. Steps, nesting and the sizes of values are bounded, so that a hostile
/// template ends in an Error{data} and not in a hang.
class Interpreter {
 public:
  Interpreter(std::shared_ptr<Scope> globals, std::int64_t most_steps);

  std::string render(const Body& body);

  Value evaluate(const Expr& e);
  Value call(const Value& callee, const Arguments& arguments);
  Value apply_filter(const std::string& name, const Value& input, const Arguments& arguments);
  bool apply_test(const std::string& name, const Value& input, const Arguments& arguments);
  /// `value.name` and `value[key]`; Undefined when there is none.
  Value attribute(const Value& value, const std::string& name);
  Value subscript(const Value& value, const Value& key);

  int line() const { return line_; }
  /// Counts work on so many bytes as steps: what is made in all is bounded by this, too.
  void charge(std::size_t bytes);

 private:
  enum class Flow { normal, loop_break, loop_continue };

  // interpreter.cpp: statements
  Flow run(const Body& body);
  Flow run(const Stmt& s);
  Flow run_conditional(const Stmt& s);
  void run_for(const Stmt& s, const Value& items, std::size_t depth);
  void run_call_block(const Stmt& s);
  void run_with(const Stmt& s);
  std::string capture(const Body& body);
  /// `s` declares the parameters and the body: a macro or a call block.
  Value make_macro(const std::string& name, const Stmt& s);
  Value call_macro(const std::string& name, const Stmt& s, const std::shared_ptr<Scope>& home,
                   const Arguments& arguments);
  void assign(const Target& target, const Value& value);
  void emit(std::string_view text);
  void step();

  // evaluate.cpp: expressions
  Value lookup(const std::string& name);
  Value evaluate_call(const Expr& e);
  Value evaluate_comparison(const Expr& e);
  Value evaluate_slice(const Expr& e);
  Value evaluate_concat(const Expr& e);
  Arguments evaluate_arguments(const CallArguments& a);

  class ScopeGuard;
  /// Counts nested evaluations, statements and macros; Python's own limit is 1000 frames.
  class DepthGuard {
   public:
    explicit DepthGuard(Interpreter& i) : depth_(i.depth_) {
      if (depth_ >= 1000) fail("maximum recursion depth exceeded");
      ++depth_;
    }
    ~DepthGuard() { --depth_; }
    DepthGuard(const DepthGuard&) = delete;
    DepthGuard& operator=(const DepthGuard&) = delete;

   private:
    int& depth_;
  };

  std::shared_ptr<Scope> scope_;
  std::string* out_ = nullptr;
  Value filter_input_;  // what a filter block or set block feeds into its filters
  int line_ = 0;
  int depth_ = 0;
  std::int64_t steps_ = 0;
  std::int64_t most_steps_;
};

/// + - * / // % ** of two values. Error{data} with Python's TypeError text.
Value binary(const std::string& op, const Value& left, const Value& right);
Value negate(const Value& value);
bool contains(const Value& container, const Value& item);
/// Error{data} for a value that Python cannot look up: a list, a dict, a tuple that holds one.
void require_hashable(const Value& value);
/// Python's "%s %d" formatting; text that is HTML escapes what it takes in.
Value format_percent(const Value& format, const List& values, bool may_be_unused = false);

using Filter = Value (*)(Interpreter&, const Value& input, const Arguments&);
using Test = bool (*)(Interpreter&, const Value& input, const Arguments&);
using Method = Value (*)(Interpreter&, const Value& self, const Arguments&);
Filter find_filter(std::string_view name);                     ///< nullptr when unknown
Test find_test(std::string_view name);                         ///< nullptr when unknown
Method find_method(const Value& self, std::string_view name);  ///< nullptr when there is none
/// True for methods that would change the value: the sandbox refuses them.
bool is_unsafe_method(const Value& self, std::string_view name);
Value loop_attribute(const Value& loop, std::string_view name);

/// range, dict, namespace, raise_exception, strftime_now.
void add_globals(Scope& scope);

}  // namespace axl::tokenizer::jinja
