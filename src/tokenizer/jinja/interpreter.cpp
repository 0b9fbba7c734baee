#include "tokenizer/jinja/interpreter.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace axl::tokenizer::jinja {
const Value* Scope::find_here(std::string_view name) const {
  for (const auto& [n, v] : variables)
    if (n == name) return &v;
  return nullptr;
}

void Scope::set(const std::string& name, Value value) {
  for (auto& [n, v] : variables) {
    if (n != name) continue;
    v = std::move(value);
    return;
  }
  variables.emplace_back(name, std::move(value));
}

/// Enters a new scope below `parent`, and leaves it whatever happens.
class Interpreter::ScopeGuard {
 public:
  ScopeGuard(Interpreter& i, std::shared_ptr<Scope> parent) : i_(i), before_(i.scope_) {
    i.scope_ = std::make_shared<Scope>();
    i.scope_->parent = std::move(parent);
  }
  ~ScopeGuard() { i_.scope_ = std::move(before_); }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  Interpreter& i_;
  std::shared_ptr<Scope> before_;
};

Interpreter::Interpreter(std::shared_ptr<Scope> globals, std::int64_t most_steps)
    : scope_(std::move(globals)), most_steps_(most_steps) {}

std::string Interpreter::render(const Body& body) {
  std::string out;
  out_ = &out;
  run(body);
  out_ = nullptr;
  return out;
}

void Interpreter::step() {
  if (++steps_ > most_steps_)
    fail("the template takes more than " + std::to_string(most_steps_) + " steps");
}

void Interpreter::charge(std::size_t bytes) {
  constexpr std::size_t kBytesAStep = 10;
  steps_ += static_cast<std::int64_t>(bytes / kBytesAStep);
  step();
}

void Interpreter::emit(std::string_view text) {
  check_size(out_->size() + text.size());
  charge(text.size());
  *out_ += text;
}

std::string Interpreter::capture(const Body& body) {
  std::string text;
  std::string* const outside = std::exchange(out_, &text);
  try {
    run(body);
  } catch (...) {
    out_ = outside;
    throw;
  }
  out_ = outside;
  return text;
}

Interpreter::Flow Interpreter::run(const Body& body) {
  for (const auto& s : body) {
    const Flow flow = run(*s);
    if (flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::run(const Stmt& s) {
  const DepthGuard guard(*this);
  step();
  line_ = s.line;
  switch (s.kind) {
    case StmtKind::data:
      emit(s.text);
      break;
    case StmtKind::output: {
      const Value v = evaluate(*s.expr);
      if (v.is_string()) {
        emit(v.as_string());
      } else {
        emit(v.str());
      }
      break;
    }
    case StmtKind::conditional:
      return run_conditional(s);
    case StmtKind::for_loop:
      run_for(s, evaluate(*s.expr), 0);
      break;
    case StmtKind::set:
      assign(s.target, evaluate(*s.expr));
      break;
    case StmtKind::set_block:
    case StmtKind::filter_block: {
      Value text;
      {
        const ScopeGuard scope(*this, scope_);
        text = capture(s.body);
      }
      if (s.expr) {
        Value outer = std::exchange(filter_input_, text);
        text = evaluate(*s.expr);
        filter_input_ = std::move(outer);
      }
      if (s.kind == StmtKind::set_block) {
        assign(s.target, text);
      } else {
        emit(text.str());
      }
      break;
    }
    case StmtKind::macro:
      scope_->set(s.text, make_macro(s.text, s));
      break;
    case StmtKind::call_block:
      run_call_block(s);
      break;
    case StmtKind::scope: {
      const ScopeGuard scope(*this, scope_);
      run(s.body);
      break;
    }
    case StmtKind::with:
      run_with(s);
      break;
    case StmtKind::loop_break:
      return Flow::loop_break;
    case StmtKind::loop_continue:
      return Flow::loop_continue;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::run_conditional(const Stmt& s) {
  for (const Branch& b : s.branches)
    if (!b.condition || evaluate(*b.condition).truthy()) return run(b.body);
  return Flow::normal;
}

void Interpreter::run_for(const Stmt& s, const Value& iterable, std::size_t depth) {
  // A generator that the body walks as well, or leaves by break, has its other items still.
  Series* const shared = iterable.is_series() && iterable.as_series().ends() && !s.condition
                             ? &iterable.as_series()
                             : nullptr;
  std::size_t taken = shared ? shared->taken : 0;
  std::shared_ptr<const List> items = iterable.iterate().shared();
  charge(items->size() * sizeof(Value));
  if (s.condition) {
    List kept;
    for (const Value& item : *items) {
      const ScopeGuard scope(*this, scope_);
      assign(s.target, item);
      if (evaluate(*s.condition).truthy()) kept.push_back(item);
    }
    items = std::make_shared<const List>(std::move(kept));
  }
  auto state = std::make_shared<Loop>();
  state->items = items;
  state->depth = depth;
  if (s.recursive)
    state->recurse = [&s, depth](Interpreter& i, const Value& children) {
      std::string text;
      std::string* const outside = std::exchange(i.out_, &text);
      try {
        i.run_for(s, children, depth + 1);
      } catch (...) {
        i.out_ = outside;
        throw;
      }
      i.out_ = outside;
      return Value(text);
    };
  const Value loop = Value::loop(state);
  bool went_through = false;
  for (std::size_t n = 0; n < items->size(); ++n) {
    step();
    if (shared) shared->taken = ++taken;
    const ScopeGuard scope(*this, scope_);
    state->index = n;
    scope_->set("loop", loop);
    assign(s.target, (*items)[n]);
    const Flow flow = run(s.body);
    went_through |= flow == Flow::normal;
    if (flow == Flow::loop_break || (shared && shared->taken != taken)) break;
  }
  state->last_changed.clear();  // it may hold this very loop
  // Jinja's own rule, whatever its manual says: without one turn that reached the body's end.
  if (!went_through) {
    const ScopeGuard scope(*this, scope_);
    run(s.else_body);
  }
}

void Interpreter::run_with(const Stmt& s) {
  std::vector<Value> values;
  for (const auto& [target, expr] : s.assignments) values.push_back(evaluate(*expr));
  const ScopeGuard scope(*this, scope_);
  for (std::size_t i = 0; i < values.size(); ++i) assign(s.assignments[i].first, values[i]);
  run(s.body);
}

void Interpreter::run_call_block(const Stmt& s) {
  const Expr& e = *s.expr;
  Arguments arguments = evaluate_arguments(e.arguments);
  arguments.named.emplace_back("caller", make_macro("caller", s));
  emit(call(evaluate(*e.children[0]), arguments).str());
}

Value Interpreter::make_macro(const std::string& name, const Stmt& s) {
  const std::weak_ptr<Scope> home = scope_;
  return Value::function(name, [&s, name, home](Interpreter& i, const Arguments& arguments) {
    std::shared_ptr<Scope> scope = home.lock();
    return i.call_macro(name, s, scope ? scope : i.scope_, arguments);
  });
}

namespace {

bool declares(const std::vector<Parameter>& parameters, std::string_view name) {
  return std::any_of(parameters.begin(), parameters.end(),
                     [name](const Parameter& p) { return p.name == name; });
}

}  // namespace

Value Interpreter::call_macro(const std::string& name, const Stmt& s,
                              const std::shared_ptr<Scope>& home, const Arguments& arguments) {
  const DepthGuard guard(*this);
  const ScopeGuard scope(*this, home);
  const std::vector<Parameter>& parameters = s.parameters;
  const std::size_t count = std::min(parameters.size(), arguments.positional.size());
  if (arguments.positional.size() > parameters.size() && !s.takes_varargs)
    fail("macro '" + name + "' takes not more than " + std::to_string(parameters.size()) +
         " argument(s)");
  if (s.takes_varargs)
    scope_->set("varargs",
                Value::tuple({arguments.positional.begin() + static_cast<std::ptrdiff_t>(count),
                              arguments.positional.end()}));
  std::vector<bool> used(arguments.named.size());
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const Parameter& parameter = parameters[p];
    const Value* given = p < arguments.positional.size() ? &arguments.positional[p] : nullptr;
    for (std::size_t n = 0; n < arguments.named.size(); ++n) {
      if (arguments.named[n].first != parameter.name) continue;
      used[n] = true;
      given = &arguments.named[n].second;
    }
    if (given != nullptr) {
      scope_->set(parameter.name, *given);
    } else if (parameter.fallback) {
      scope_->set(parameter.name, evaluate(*parameter.fallback));
    } else {
      scope_->set(parameter.name,
                  Value::undefined("parameter '" + parameter.name + "' was not provided"));
    }
  }
  Dict others;
  if (s.uses_caller && !declares(parameters, "caller"))
    scope_->set("caller", Value::undefined("No caller defined"));
  for (std::size_t n = 0; n < used.size(); ++n) {
    if (used[n]) continue;
    const auto& [key, value] = arguments.named[n];
    if (key == "caller" && s.uses_caller) {
      scope_->set(key, value);
    } else if (s.takes_kwargs) {
      others.set(key, value);
    } else {
      fail("macro '" + name + "' takes no keyword argument '" + key + "'");
    }
  }
  if (s.takes_kwargs) scope_->set("kwargs", Value::dict(std::move(others)));
  return capture(s.body);
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (!target.parts.empty()) {
    const Items items = value.iterate();
    const std::string wanted = std::to_string(target.parts.size());
    if (items->size() > target.parts.size())
      fail("too many values to unpack (expected " + wanted + ")");
    if (items->size() < target.parts.size())
      fail("not enough values to unpack (expected " + wanted + ", got " +
           std::to_string(items->size()) + ")");
    for (std::size_t i = 0; i < items->size(); ++i) assign(target.parts[i], (*items)[i]);
    return;
  }
  if (target.attribute.empty()) {
    scope_->set(target.name, value);
    return;
  }
  const Value owner = lookup(target.name);
  if (!owner.is_namespace()) fail("cannot assign attribute on non-namespace object");
  // A namespace that held itself could never be printed, compared or freed.
  if (value.reaches_namespace()) fail("a namespace cannot hold a namespace");
  owner.mutable_dict().set(target.attribute, value);
}

}  // namespace axl::tokenizer::jinja
