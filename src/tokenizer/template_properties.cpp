#include "tokenizer/template_properties.hpp"

#include "tokenizer/jinja/parser.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer {
namespace {

using namespace jinja;

class Finder {
 public:
  void visit(const Body& body) {
    for (const auto& s : body) visit(*s);
  }
  std::set<std::string> take() { return std::move(found_); }

 private:
  void visit(const Stmt& s) {
    visit(s.expr.get());
    visit(s.condition.get());
    for (const Branch& b : s.branches) {
      visit(b.condition.get());
      visit(b.body);
    }
    for (const Parameter& p : s.parameters) visit(p.fallback.get());
    for (const auto& [target, value] : s.assignments) visit(value.get());
    visit(s.body);
    visit(s.else_body);
  }

  void visit(const Expr* e) {
    if (e == nullptr) return;
    if (e->kind == ExprKind::attribute && stands_on_message(*e->children[0]))
      found_.insert(e->text);
    if (e->kind == ExprKind::subscript && stands_on_message(*e->children[0]) &&
        e->children[1]->kind == ExprKind::constant && e->children[1]->value.is_string())
      found_.insert(e->children[1]->value.as_string());
    for (const ExprPtr& child : e->children) visit(child.get());
    for (const ExprPtr& argument : e->arguments.positional) visit(argument.get());
    for (const auto& [name, argument] : e->arguments.named) visit(argument.get());
    visit(e->arguments.star.get());
    visit(e->arguments.double_star.get());
  }

  /// `message`, or a part of it that attributes and subscripts lead to.
  static bool stands_on_message(const Expr& e) {
    if (e.kind == ExprKind::name) return e.text == "message";
    const bool part =
        e.kind == ExprKind::attribute || e.kind == ExprKind::subscript || e.kind == ExprKind::slice;
    return part && stands_on_message(*e.children[0]);
  }

  std::set<std::string> found_;
};

}  // namespace

std::set<std::string> message_properties(const std::string& chat_template) {
  // The expressions borrow nothing from the text.
  const Body body = parse(unicode::lossy(chat_template));
  Finder finder;
  finder.visit(body);
  return finder.take();
}

}  // namespace axl::tokenizer
