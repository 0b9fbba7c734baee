#include "tokenizer/jinja/parser.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "tokenizer/jinja/expression_parser.hpp"

namespace axl::tokenizer::jinja {
namespace {

using StmtPtr = std::unique_ptr<Stmt>;

class Parser {
 public:
  explicit Parser(std::string_view source) : s_(tokenize(source)), e_(s_) {}

  Body run() {
    Body body = statements({});
    if (!s_.is(TokenKind::end)) s_.unexpected("the end of the template");
    return body;
  }

 private:
  StmtPtr make(StmtKind kind) const {
    auto s = std::make_unique<Stmt>();
    s->kind = kind;
    s->line = s_.current().line;
    s->column = s_.current().column;
    return s;
  }

  /// Statements up to a tag of one of the given names, which stays unread behind its "{%".
  Body statements(std::initializer_list<std::string_view> until) {
    if (++depth_ > kDeepest) s_.error("tags are nested deeper than 100 levels");
    Body body;
    while (!s_.is(TokenKind::end)) {
      if (s_.is(TokenKind::data)) {
        StmtPtr s = make(StmtKind::data);
        s->text = s_.next().text;
        body.push_back(std::move(s));
      } else if (s_.is(TokenKind::variable_begin)) {
        s_.next();
        StmtPtr s = make(StmtKind::output);
        s->expr = e_.tuple();
        s_.expect(TokenKind::variable_end, "'}}'");
        body.push_back(std::move(s));
      } else {
        s_.expect(TokenKind::block_begin, "'{%'");
        for (const std::string_view name : until) {
          if (!s_.is_name(name)) continue;
          --depth_;
          return body;
        }
        body.push_back(statement());
      }
    }
    if (until.size() != 0)
      s_.error("unexpected end of template, expected '" + std::string(*(until.end() - 1)) + "'");
    --depth_;
    return body;
  }

  void end_block() { s_.expect(TokenKind::block_end, "'%}'"); }

  /// Statements up to `{% end %}`, which is consumed.
  Body until_end(std::string_view end) {
    end_block();
    Body body = statements({end});
    s_.next();
    end_block();
    return body;
  }

  StmtPtr statement() {
    if (!s_.is(TokenKind::name)) s_.unexpected("a tag name");
    const std::string tag = s_.current().text;
    if (tag == "for") return for_loop();
    if (tag == "if") return conditional();
    if (tag == "set") return set();
    if (tag == "macro") return macro();
    if (tag == "call") return call_block();
    if (tag == "filter") return filter_block();
    if (tag == "with") return with();
    if (tag == "generation") {
      StmtPtr s = make(StmtKind::scope);
      s_.next();
      s->body = until_end("endgeneration");
      return s;
    }
    if (tag == "break" || tag == "continue") {
      StmtPtr s = make(tag == "break" ? StmtKind::loop_break : StmtKind::loop_continue);
      if (loops_ == 0) s_.error("'" + tag + "' outside of a loop");
      s_.next();
      end_block();
      return s;
    }
    s_.error("the tag '" + tag + "' is not known or not allowed in chat templates");
  }

  Target target_part(bool attributes) {
    if (s_.skip_op("(")) {
      if (++target_depth_ > kDeepest) s_.error("targets are nested deeper than 100 levels");
      Target t = target(attributes, ")");
      --target_depth_;
      s_.expect_op(")");
      return t;
    }
    Target t;
    t.name = name_to_assign();
    if (attributes && s_.skip_op(".")) {
      t.attribute = s_.expect_identifier();
    } else {
      refuse_loop(t.name);
    }
    return t;
  }

  /// A name that may be written to.
  std::string name_to_assign() {
    for (const std::string_view name : {"true", "false", "none", "True", "False", "None"})
      if (s_.is_name(name)) s_.error("can't assign to '" + std::string(name) + "'");
    return s_.expect_identifier();
  }

  /// Anywhere inside of a for tag `loop` is its own.
  void refuse_loop(const std::string& name) const {
    if (for_depth_ > 0 && name == "loop")
      s_.error("can't assign to the special loop variable inside of a for loop");
  }

  Target target(bool attributes, std::string_view end) {
    Target first = target_part(attributes);
    if (!s_.is_op(",")) return first;
    Target all;
    all.parts.push_back(std::move(first));
    while (s_.skip_op(",")) {
      if (s_.is_op(end) || s_.is_name(end)) break;
      all.parts.push_back(target_part(attributes));
    }
    return all;
  }

  StmtPtr for_loop() {
    StmtPtr s = make(StmtKind::for_loop);
    s_.expect_name("for");
    ++for_depth_;
    s->target = target(false, "in");
    s_.expect_name("in");
    s->expr = e_.tuple(false);
    if (s_.skip_name("if")) s->condition = e_.expression();
    s->recursive = s_.skip_name("recursive");
    end_block();
    ++loops_;
    s->body = statements({"else", "endfor"});
    --loops_;
    if (s_.skip_name("else")) {
      end_block();
      s->else_body = statements({"endfor"});
    }
    s_.expect_name("endfor");
    end_block();
    --for_depth_;
    return s;
  }

  StmtPtr conditional() {
    StmtPtr s = make(StmtKind::conditional);
    s_.expect_name("if");
    for (;;) {
      Branch branch;
      branch.condition = e_.tuple(false);
      end_block();
      branch.body = statements({"elif", "else", "endif"});
      s->branches.push_back(std::move(branch));
      if (!s_.skip_name("elif")) break;
    }
    if (s_.skip_name("else")) {
      end_block();
      Branch branch;
      branch.body = statements({"endif"});
      s->branches.push_back(std::move(branch));
    }
    s_.expect_name("endif");
    end_block();
    return s;
  }

  StmtPtr set() {
    StmtPtr s = make(StmtKind::set);
    s_.expect_name("set");
    s->target = target(true, "=");
    if (s_.skip_op("=")) {
      s->expr = e_.tuple();
      end_block();
      return s;
    }
    s->kind = StmtKind::set_block;
    if (s_.is_op("|")) s->expr = e_.filters(nullptr, false);
    s->body = until_end("endset");
    return s;
  }

  std::vector<Parameter> parameters() {
    std::vector<Parameter> out;
    s_.expect_op("(");
    while (!s_.is_op(")")) {
      if (!out.empty()) s_.expect_op(",");
      if (s_.is_op(")")) break;
      Parameter p;
      p.name = name_to_assign();
      if (s_.skip_op("=")) {
        p.fallback = e_.expression();
      } else if (!out.empty() && out.back().fallback) {
        s_.error("a parameter without a default follows one with a default");
      }
      out.push_back(std::move(p));
    }
    s_.expect_op(")");
    return out;
  }

  /// Bodies of macros and of call blocks are functions: a break in them has no loop to leave.
  void function_body(Stmt& s, std::string_view end) {
    const int outside = std::exchange(loops_, 0);
    const std::size_t from = s_.position();
    s.body = until_end(end);
    const auto declared = [&s](std::string_view name) {
      return std::find_if(s.parameters.begin(), s.parameters.end(),
                          [name](const Parameter& p) { return p.name == name; });
    };
    const auto end_of = s.parameters.end();
    const auto names = [&](std::string_view name) { return s_.named_since(from, name); };
    s.uses_caller = names("caller");
    if (const auto p = declared("caller"); s.uses_caller && p != end_of && !p->fallback)
      s_.error(
          "when defining macros or call blocks the special \"caller\" argument must be omitted or "
          "be given a default");
    s.takes_varargs = names("varargs") && declared("varargs") == end_of;
    s.takes_kwargs = names("kwargs") && declared("kwargs") == end_of;
    loops_ = outside;
  }

  StmtPtr macro() {
    StmtPtr s = make(StmtKind::macro);
    s_.expect_name("macro");
    s->text = name_to_assign();
    s->parameters = parameters();
    function_body(*s, "endmacro");
    return s;
  }

  StmtPtr call_block() {
    StmtPtr s = make(StmtKind::call_block);
    s_.expect_name("call");
    if (s_.is_op("(")) s->parameters = parameters();
    s->expr = e_.expression();
    if (s->expr->kind != ExprKind::call) s_.error("a call tag needs a call");
    function_body(*s, "endcall");
    return s;
  }

  StmtPtr filter_block() {
    StmtPtr s = make(StmtKind::filter_block);
    s_.expect_name("filter");
    s->expr = e_.filters(nullptr, true);
    s->body = until_end("endfilter");
    return s;
  }

  StmtPtr with() {
    StmtPtr s = make(StmtKind::with);
    s_.expect_name("with");
    while (!s_.is(TokenKind::block_end)) {
      if (!s->assignments.empty()) s_.expect_op(",");
      const int outside = std::exchange(for_depth_, 0);  // its names are parameters
      Target t = target_part(false);
      for_depth_ = outside;
      s_.expect_op("=");
      s->assignments.emplace_back(std::move(t), e_.expression());
    }
    s->body = until_end("endwith");
    return s;
  }

  static constexpr int kDeepest = 100;

  TokenStream s_;
  ExpressionParser e_;
  int depth_ = 0;
  int target_depth_ = 0;
  int loops_ = 0;
  int for_depth_ = 0;
};

}  // namespace

Body parse(std::string_view source) {
  constexpr std::size_t kLongest = std::size_t{1} << 20;
  if (source.size() > kLongest) syntax_error("the template is longer than 1 MiB", 1, 1);
  return Parser(source).run();
}

}  // namespace axl::tokenizer::jinja
