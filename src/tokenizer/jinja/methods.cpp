#include <algorithm>
#include <utility>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/interpreter.hpp"
#include "tokenizer/jinja/string_methods.hpp"

namespace axl::tokenizer::jinja {
namespace {

using Args = Arguments;

Value dict_get(Interpreter&, const Value& self, const Args& a) {
  const Value* key = a.get(0, "key");
  if (key == nullptr) fail("get expected at least 1 argument, got 0");
  const Value* v = self.as_dict().find(*key);
  return v != nullptr ? *v : option(a, 1, "default", None{});
}

Value dict_items(Interpreter&, const Value& self, const Args&) {
  List out;
  for (const auto& [k, v] : self.as_dict().items()) out.push_back(Value::tuple({k, v}));
  return Value::series(Series::Kind::items, std::move(out));
}
Value dict_keys(Interpreter&, const Value& self, const Args&) {
  List out;
  for (const auto& [k, v] : self.as_dict().items()) out.push_back(k);
  return Value::series(Series::Kind::keys, std::move(out));
}
Value dict_values(Interpreter&, const Value& self, const Args&) {
  List out;
  for (const auto& [k, v] : self.as_dict().items()) out.push_back(v);
  return Value::series(Series::Kind::values, std::move(out));
}
Value copy(Interpreter&, const Value& self, const Args&) { return self; }

Value list_count(Interpreter& i, const Value& self, const Args& a) {
  i.charge(self.bytes());
  const Value wanted = option(a, 0, "", None{});
  std::int64_t n = 0;
  for (const Value& v : self.as_list()) n += v.equals(wanted);
  return n;
}
Value list_index(Interpreter& i, const Value& self, const Args& a) {
  i.charge(self.bytes());
  const Value wanted = option(a, 0, "", None{});
  const List& items = self.as_list();
  const auto it =
      std::find_if(items.begin(), items.end(), [&](const Value& v) { return v.equals(wanted); });
  if (it == items.end()) fail(wanted.repr() + " is not in list");
  return static_cast<std::int64_t>(it - items.begin());
}

Value loop_cycle(Interpreter&, const Value& self, const Args& a) {
  if (a.positional.empty()) fail("no items for cycling given");
  return a.positional[self.as_loop().index % a.positional.size()];
}
Value loop_changed(Interpreter&, const Value& self, const Args& a) {
  Loop& loop = self.as_loop();
  const bool same = !loop.last_changed.empty() &&
                    Value::list(loop.last_changed).equals(Value::list(a.positional));
  loop.last_changed = a.positional;
  return !same;
}

Value cycler_next(Interpreter&, const Value& self, const Args&) {
  Series& s = self.as_series();
  const std::size_t now = std::exchange(s.taken, (s.taken + 1) % s.items->size());
  return (*s.items)[now];
}
Value cycler_reset(Interpreter&, const Value& self, const Args&) {
  self.as_series().taken = 0;
  return None{};
}

struct Entry {
  std::string_view name;
  Method method;
};
constexpr Entry kDict[] = {{"get", &dict_get},
                           {"items", &dict_items},
                           {"keys", &dict_keys},
                           {"values", &dict_values},
                           {"copy", &copy}};
constexpr Entry kList[] = {{"count", &list_count}, {"index", &list_index}, {"copy", &copy}};
constexpr Entry kCycler[] = {{"next", &cycler_next}, {"reset", &cycler_reset}};
constexpr Entry kLoop[] = {{"cycle", &loop_cycle}, {"changed", &loop_changed}};

template <std::size_t N>
Method find(const Entry (&table)[N], std::string_view name) {
  for (const Entry& e : table)
    if (e.name == name) return e.method;
  return nullptr;
}

bool one_of(std::initializer_list<std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Method find_method(const Value& self, std::string_view name) {
  if (self.is_markup()) return find_markup_method(name);
  if (self.is_string()) return find_string_method(name);
  if (self.is_dict()) return find(kDict, name);
  if (self.is_sequence()) {
    if (self.is_tuple() && name == "copy") return nullptr;
    return find(kList, name);
  }
  if (self.is_loop()) return find(kLoop, name);
  if (self.is_series(Series::Kind::cycler)) return find(kCycler, name);
  return nullptr;
}

bool is_unsafe_method(const Value& self, std::string_view name) {
  if (self.is_dict()) return one_of({"clear", "pop", "popitem", "setdefault", "update"}, name);
  if (self.is_list())
    return one_of({"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"},
                  name);
  return false;
}

Value loop_attribute(const Value& self, std::string_view name) {
  const Loop& loop = self.as_loop();
  const std::size_t n = loop.items->size();
  const auto number = [](std::size_t i) { return Value(static_cast<std::int64_t>(i)); };
  if (name == "index") return number(loop.index + 1);
  if (name == "index0") return number(loop.index);
  if (name == "revindex") return number(n - loop.index);
  if (name == "revindex0") return number(n - loop.index - 1);
  if (name == "first") return loop.index == 0;
  if (name == "last") return loop.index + 1 == n;
  if (name == "length") return number(n);
  if (name == "depth") return number(loop.depth + 1);
  if (name == "depth0") return number(loop.depth);
  if (name == "previtem")
    return loop.index == 0 ? Value::undefined("there is no previous item")
                           : (*loop.items)[loop.index - 1];
  if (name == "nextitem")
    return loop.index + 1 == n ? Value::undefined("there is no next item")
                               : (*loop.items)[loop.index + 1];
  return Value::undefined("'LoopContext object' has no attribute " + string_repr(name));
}

}  // namespace axl::tokenizer::jinja
