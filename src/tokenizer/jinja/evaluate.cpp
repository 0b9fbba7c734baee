#include <algorithm>

#include "tokenizer/jinja/interpreter.hpp"
#include "tokenizer/jinja/text.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

std::string object_name(const Value& v) {
  return v.is_none() ? "None" : v.is_namespace() ? "Namespace object" : v.type_name() + " object";
}

Value missing_attribute(const Value& v, const std::string& name) {
  return Value::undefined("'" + object_name(v) + "' has no attribute " + string_repr(name));
}

/// Python's slice.indices(): start, stop and step clipped to a sequence of n items.
struct SliceRange {
  std::int64_t start, stop, step;
};
SliceRange slice_range(const Value* start, const Value* stop, const Value* step, std::int64_t n) {
  const auto number = [](const Value* v, std::int64_t fallback) {
    if (v == nullptr || v->is_none()) return fallback;
    if (v->is_undefined()) fail(v->undefined_message());
    if (v->is_big()) return v->as_big().is_negative() ? INT64_MIN : INT64_MAX;
    if (!v->is_integral())
      fail("slice indices must be integers or None or have an __index__ method");
    return v->as_int();
  };
  SliceRange r{0, 0, number(step, 1)};
  if (r.step == 0) fail("slice step cannot be zero");
  const bool back = r.step < 0;
  const auto clip = [&](std::int64_t i) {
    if (i < 0) i += n;
    return back ? std::clamp<std::int64_t>(i, -1, n - 1) : std::clamp<std::int64_t>(i, 0, n);
  };
  const bool given_start = start != nullptr && !start->is_none();
  const bool given_stop = stop != nullptr && !stop->is_none();
  r.start = given_start ? clip(number(start, 0)) : back ? n - 1 : 0;
  r.stop = given_stop ? clip(number(stop, 0)) : back ? -1 : n;
  return r;
}

template <class Take>
void walk(const SliceRange& r, const Take& take) {
  for (std::int64_t i = r.start; r.step > 0 ? i < r.stop : i > r.stop;) {
    take(i);
    if (__builtin_add_overflow(i, r.step, &i)) break;
  }
}

}  // namespace

Value Interpreter::lookup(const std::string& name) {
  for (const Scope* s = scope_.get(); s != nullptr; s = s->parent.get()) {
    charge(s->variables.size());
    if (const Value* v = s->find_here(name)) return *v;
  }
  return Value::undefined(string_repr(name) + " is undefined");
}

Value Interpreter::evaluate(const Expr& e) {
  step();
  const DepthGuard guard(*this);
  const auto child = [&](std::size_t i) { return evaluate(*e.children[i]); };
  switch (e.kind) {
    case ExprKind::constant:
      return e.value;
    case ExprKind::name:
      return lookup(e.text);
    case ExprKind::list:
    case ExprKind::tuple: {
      List items;
      items.reserve(e.children.size());
      for (const ExprPtr& c : e.children) items.push_back(evaluate(*c));
      return e.kind == ExprKind::list ? Value::list(std::move(items))
                                      : Value::tuple(std::move(items));
    }
    case ExprKind::dict: {
      Dict items;
      for (std::size_t i = 0; i < e.children.size(); i += 2) {
        Value key = child(i);
        charge(items.size() * sizeof(Value));  // it is searched
        items.set(std::move(key), child(i + 1));
      }
      return Value::dict(std::move(items));
    }
    case ExprKind::attribute:
      return attribute(child(0), e.text);
    case ExprKind::subscript: {
      const Value object = child(0);
      return subscript(object, child(1));
    }
    case ExprKind::slice:
      return evaluate_slice(e);
    case ExprKind::call:
      return evaluate_call(e);
    case ExprKind::filter: {
      const Value input = e.children[0] ? child(0) : filter_input_;
      return apply_filter(e.text, input, evaluate_arguments(e.arguments));
    }
    case ExprKind::test: {
      const Value input = child(0);
      return apply_test(e.text, input, evaluate_arguments(e.arguments));
    }
    case ExprKind::negate:
      return jinja::negate(child(0));
    case ExprKind::plus:
      return binary("+", std::int64_t{0}, child(0));
    case ExprKind::logical_not:
      return !child(0).truthy();
    case ExprKind::logical_and: {
      Value left = child(0);
      return left.truthy() ? child(1) : left;
    }
    case ExprKind::logical_or: {
      Value left = child(0);
      return left.truthy() ? left : child(1);
    }
    case ExprKind::binary: {
      const Value left = child(0);
      Value result = binary(e.text, left, child(1));
      charge(result.own_bytes());
      return result;
    }
    case ExprKind::concat:
      return evaluate_concat(e);
    case ExprKind::comparison:
      return evaluate_comparison(e);
    case ExprKind::conditional:
      if (child(1).truthy()) return child(0);
      if (e.children[2]) return child(2);
      return Value::undefined(
          "the inline if-expression evaluated to false and no else section was defined.");
  }
  return {};
}

Value Interpreter::evaluate_concat(const Expr& e) {
  std::string text;
  for (const ExprPtr& c : e.children) {
    text += evaluate(*c).str();
    check_size(text.size());
  }
  charge(text.size());
  return text;
}

Value Interpreter::evaluate_comparison(const Expr& e) {
  Value left = evaluate(*e.children[0]);
  for (std::size_t i = 0; i < e.operators.size(); ++i) {
    const std::string& op = e.operators[i];
    Value right = evaluate(*e.children[i + 1]);
    charge(op == "in" || op == "not in" ? right.bytes() : std::min(left.bytes(), right.bytes()));
    bool holds = false;
    if (op == "==") {
      holds = left.equals(right);
    } else if (op == "!=") {
      holds = !left.equals(right);
    } else if (op == "in") {
      holds = contains(right, left);
    } else if (op == "not in") {
      holds = !contains(right, left);
    } else {
      const int order = left.compare(right, op.c_str());
      holds = op == "<" ? order < 0 : op == "<=" ? order <= 0 : op == ">" ? order > 0 : order >= 0;
    }
    if (!holds) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::evaluate_slice(const Expr& e) {
  Value object = evaluate(*e.children[0]);
  if (object.is_series(Series::Kind::range)) object = Value::list(*object.as_series().items);
  Value bounds[3];
  const Value* given[3] = {nullptr, nullptr, nullptr};
  for (std::size_t i = 0; i < 3; ++i) {
    if (!e.children[i + 1]) continue;
    bounds[i] = evaluate(*e.children[i + 1]);
    given[i] = &bounds[i];
  }
  if (object.is_undefined()) fail(object.undefined_message());
  charge(object.own_bytes());
  if (object.is_string()) {
    const std::u32string text = unicode::to_utf32(object.as_string());
    std::string out;
    walk(slice_range(given[0], given[1], given[2], static_cast<std::int64_t>(text.size())),
         [&](std::int64_t i) { unicode::append(text[static_cast<std::size_t>(i)], out); });
    return object.is_markup() ? Value::markup(std::move(out)) : Value(std::move(out));
  }
  if (!object.is_sequence())
    fail(object.is_dict() ? "unhashable type: 'slice'"
                          : "'" + object.type_name() + "' object is not subscriptable");
  const List& items = object.as_list();
  List out;
  walk(slice_range(given[0], given[1], given[2], static_cast<std::int64_t>(items.size())),
       [&](std::int64_t i) { out.push_back(items[static_cast<std::size_t>(i)]); });
  return object.is_tuple() ? Value::tuple(std::move(out)) : Value::list(std::move(out));
}

Arguments Interpreter::evaluate_arguments(const CallArguments& a) {
  Arguments out;
  out.positional.reserve(a.positional.size());
  for (const ExprPtr& e : a.positional) out.positional.push_back(evaluate(*e));
  for (const auto& [name, e] : a.named) out.named.emplace_back(name, evaluate(*e));
  if (a.star) {
    const auto items = evaluate(*a.star).iterate();
    out.positional.insert(out.positional.end(), items->begin(), items->end());
  }
  if (a.double_star) {
    const Value items = evaluate(*a.double_star);
    if (!items.is_dict()) fail("argument after ** must be a mapping, not " + items.type_name());
    for (const auto& [k, v] : items.as_dict().items()) out.named.emplace_back(k.str(), v);
  }
  return out;
}

/// A method call does not build the bound method first.
Value Interpreter::evaluate_call(const Expr& e) {
  const Expr& callee = *e.children[0];
  if (callee.kind == ExprKind::attribute) {
    const Value self = evaluate(*callee.children[0]);
    if (const Method method = find_method(self, callee.text)) {
      charge(self.own_bytes());
      Value result = method(*this, self, evaluate_arguments(e.arguments));
      charge(result.own_bytes());
      return result;
    }
    const Value function = attribute(self, callee.text);
    return call(function, evaluate_arguments(e.arguments));
  }
  const Value function = evaluate(callee);
  const Arguments arguments = evaluate_arguments(e.arguments);
  line_ = e.line;
  return call(function, arguments);
}

Value Interpreter::call(const Value& callee, const Arguments& arguments) {
  if (callee.is_undefined()) fail(callee.undefined_message());
  if (callee.is_loop()) {
    if (!callee.as_loop().recurse)
      fail("The loop must have the 'recursive' marker to be called recursively.");
    if (arguments.positional.size() != 1) fail("loop() takes exactly one argument");
    return callee.as_loop().recurse(*this, arguments.positional[0]);
  }
  if (!callee.is_function()) fail("'" + callee.type_name() + "' object is not callable");
  Value result = callee.as_function().call(*this, arguments);
  charge(result.own_bytes());
  return result;
}

Value Interpreter::apply_filter(const std::string& name, const Value& input,
                                const Arguments& arguments) {
  const Filter filter = find_filter(name);
  if (filter == nullptr) fail("No filter named '" + name + "'.");
  const DepthGuard guard(*this);  // map('map', ...)
  charge(input.own_bytes());
  Value result = filter(*this, input, arguments);
  charge(result.own_bytes());
  return result;
}

bool Interpreter::apply_test(const std::string& name, const Value& input,
                             const Arguments& arguments) {
  const Test test = find_test(name);
  if (test == nullptr) fail("No test named '" + name + "'.");
  charge(input.own_bytes());
  return test(*this, input, arguments);
}

Value Interpreter::attribute(const Value& value, const std::string& name) {
  if (value.is_undefined()) fail(value.undefined_message());
  if (const Method method = find_method(value, name)) {
    Value bound = Value::function(name, [method, value](Interpreter& i, const Arguments& a) {
      i.charge(value.own_bytes());
      return method(i, value, a);
    });
    bound.contain(value);
    return bound;
  }
  if (is_unsafe_method(value, name) || name.starts_with("__"))
    return Value::undefined("access to attribute '" + name + "' of '" + value.type_name() +
                            "' object is unsafe.");
  if (value.is_loop()) return loop_attribute(value, name);
  if (value.is_series(Series::Kind::cycler) && name == "current")
    return (*value.as_series().items)[value.as_series().taken];
  // The pairs of groupby have names too.
  if (value.is_tuple() && value.as_list().size() == 2 && (name == "grouper" || name == "list"))
    return value.as_list()[name == "list" ? 1 : 0];
  if (value.is_dict() || value.is_namespace())
    if (const Value* v = value.as_dict().find(std::string_view(name))) return *v;
  return missing_attribute(value, name);
}

Value Interpreter::subscript(const Value& value, const Value& key) {
  if (value.is_undefined()) fail(value.undefined_message());
  if (value.is_series(Series::Kind::range))
    return subscript(Value::list(*value.as_series().items), key);
  if (value.is_dict()) {
    if (const Value* v = value.as_dict().find(key)) return *v;
  } else if (key.is_integral() && (value.is_sequence() || value.is_string())) {
    if (value.is_string()) charge(value.own_bytes());
    std::int64_t i = key.as_int();
    const auto size = static_cast<std::int64_t>(
        value.is_string() ? unicode::count(value.as_string()) : value.as_list().size());
    if (i < 0) i += size;
    if (i >= 0 && i < size) {
      if (value.is_sequence()) return value.as_list()[static_cast<std::size_t>(i)];
      std::string out;
      unicode::append(unicode::to_utf32(value.as_string())[static_cast<std::size_t>(i)], out);
      return value.is_markup() ? Value::markup(std::move(out)) : Value(std::move(out));
    }
  }
  if (key.is_string()) return attribute(value, key.as_string());
  return Value::undefined(object_name(value) + " has no element " + key.repr());
}

}  // namespace axl::tokenizer::jinja
