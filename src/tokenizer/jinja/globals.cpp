#include <ctime>
#include <utility>

#include "tokenizer/jinja/interpreter.hpp"

namespace axl::tokenizer::jinja {
namespace {

using Args = Arguments;

std::int64_t integer(const Value& v) {
  if (v.is_undefined()) fail(v.undefined_message());
  if (!v.is_integral()) fail("'" + v.type_name() + "' object cannot be interpreted as an integer");
  return v.as_int();
}

Value range(Interpreter&, const Args& a) {
  constexpr std::int64_t kLongest = 100000;  // Jinja's sandbox has the same
  const auto& p = a.positional;
  if (p.empty() || p.size() > 3) fail("range expected 1 to 3 arguments");
  const std::int64_t start = p.size() == 1 ? 0 : integer(p[0]);
  const std::int64_t stop = integer(p[p.size() == 1 ? 0 : 1]);
  const std::int64_t step = p.size() == 3 ? integer(p[2]) : 1;
  if (step == 0) fail("range() arg 3 must not be zero");
  List out;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(out.size()) >= kLongest)
      fail("Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
    out.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  std::string text = "range(" + std::to_string(start) + ", " + std::to_string(stop);
  if (step != 1) text += ", " + std::to_string(step);
  return Value::series(Series::Kind::range, std::move(out), text + ")");
}

Dict dict_of(Interpreter& i, const Args& a) {
  Dict out;
  const auto set = [&](const Value& key, const Value& value) {
    i.charge(out.size() * sizeof(Value));  // it is searched
    out.set(key, value);
  };
  for (const Value& v : a.positional) {
    if (v.is_dict()) {
      for (const auto& [key, value] : v.as_dict().items()) set(key, value);
      continue;
    }
    for (const Value& item : v.iterate()) {
      const auto parts = item.iterate();
      if (parts->size() != 2) fail("dictionary update sequence element has the wrong length");
      set((*parts)[0], (*parts)[1]);
    }
  }
  for (const auto& [name, value] : a.named) set(name, value);
  return out;
}

Value cycler(Interpreter&, const Args& a) {
  if (a.positional.empty()) fail("at least one item has to be provided");
  return Value::series(Series::Kind::cycler, a.positional);
}

Value joiner(Interpreter&, const Args& a) {
  const Value* given = a.get(0, "sep");
  const Value separator = given ? *given : Value(", ");
  Value out = Value::function(
      "Joiner", [separator, used = std::make_shared<bool>(false)](Interpreter&, const Args&) {
        return std::exchange(*used, true) ? separator : Value("");
      });
  out.contain(separator);
  return out;
}

Value lipsum(Interpreter&, const Args&) {
  fail("lipsum() is another text every time: rows made with it could not be made again");
}

Value raise_exception(Interpreter&, const Args& a) {
  const Value* message = a.get(0, "message");
  fail(message == nullptr ? "" : message->str());
}

Value strftime_now(Interpreter&, const Args& a) {
  const Value* format = a.get(0, "format");
  if (format == nullptr || !format->is_string()) fail("strftime_now() needs a format");
  if (format->as_string().size() > 1000) fail("the format of strftime_now() is too long");
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::string out(20000, '\0');
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  out.resize(std::strftime(out.data(), out.size(), format->as_string().c_str(), &local));
#pragma GCC diagnostic pop
  return out;
}

}  // namespace

void add_globals(Scope& scope) {
  scope.set("range", Value::function("range", &range));
  scope.set("dict", Value::function("dict", [](Interpreter& i, const Args& a) {
              return Value::dict(dict_of(i, a));
            }));
  scope.set("namespace", Value::function("namespace", [](Interpreter& i, const Args& a) {
              Dict members = dict_of(i, a);
              for (const auto& [key, value] : members.items())
                if (value.reaches_namespace()) fail("a namespace cannot hold a namespace");
              return Value::name_space(std::move(members));
            }));
  scope.set("cycler", Value::function("cycler", &cycler));
  scope.set("joiner", Value::function("joiner", &joiner));
  scope.set("lipsum", Value::function("lipsum", &lipsum));
  scope.set("raise_exception", Value::function("raise_exception", &raise_exception));
  scope.set("strftime_now", Value::function("strftime_now", &strftime_now));
}

}  // namespace axl::tokenizer::jinja
