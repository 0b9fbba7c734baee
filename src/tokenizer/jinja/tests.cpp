#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/interpreter.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

using Args = Arguments;

const Value& argument(const Args& a) {
  const Value* v = a.get(0, "other");
  if (v == nullptr) fail("the test needs one argument");
  return *v;
}

bool t_defined(Interpreter&, const Value& v, const Args&) { return !v.is_undefined(); }
bool t_undefined(Interpreter&, const Value& v, const Args&) { return v.is_undefined(); }
bool t_none(Interpreter&, const Value& v, const Args&) { return v.is_none(); }
bool t_boolean(Interpreter&, const Value& v, const Args&) { return v.is_bool(); }
bool t_true(Interpreter&, const Value& v, const Args&) { return v.is_bool() && v.truthy(); }
bool t_false(Interpreter&, const Value& v, const Args&) { return v.is_bool() && !v.truthy(); }
bool t_integer(Interpreter&, const Value& v, const Args&) { return v.is_int() || v.is_big(); }
bool t_float(Interpreter&, const Value& v, const Args&) { return v.is_float(); }
bool t_number(Interpreter&, const Value& v, const Args&) { return v.is_number(); }
bool t_string(Interpreter&, const Value& v, const Args&) { return v.is_string(); }
bool t_escaped(Interpreter&, const Value& v, const Args&) { return v.is_markup(); }
bool t_mapping(Interpreter&, const Value& v, const Args&) { return v.is_dict(); }
/// The undefined value has a call, which fails.
bool t_callable(Interpreter&, const Value& v, const Args&) {
  return v.is_function() || v.is_undefined();
}
/// Anything with a length and an index: strings and mappings too, and the undefined value.
bool t_sequence(Interpreter&, const Value& v, const Args&) {
  return v.is_sequence() || v.is_string() || v.is_dict() || v.is_undefined() ||
         v.is_series(Series::Kind::range);
}
bool t_iterable(Interpreter&, const Value& v, const Args&) {
  return v.is_sequence() || v.is_string() || v.is_dict() || v.is_undefined() || v.is_loop() ||
         v.is_series();
}

bool t_eq(Interpreter&, const Value& v, const Args& a) { return v.equals(argument(a)); }
bool t_ne(Interpreter&, const Value& v, const Args& a) { return !v.equals(argument(a)); }
bool t_lt(Interpreter&, const Value& v, const Args& a) { return v.compare(argument(a), "<") < 0; }
bool t_le(Interpreter&, const Value& v, const Args& a) { return v.compare(argument(a), "<=") <= 0; }
bool t_gt(Interpreter&, const Value& v, const Args& a) { return v.compare(argument(a), ">") > 0; }
bool t_ge(Interpreter&, const Value& v, const Args& a) { return v.compare(argument(a), ">=") >= 0; }
bool t_in(Interpreter&, const Value& v, const Args& a) { return contains(argument(a), v); }
bool t_sameas(Interpreter&, const Value& v, const Args& a) {
  const Value& o = argument(a);
  if (v.is_sequence() && o.is_sequence()) return &v.as_list() == &o.as_list();
  if (v.is_dict() && o.is_dict()) return &v.as_dict() == &o.as_dict();
  if (v.is_undefined() && o.is_undefined()) return v.is_same_undefined(o);
  return v.type_name() == o.type_name() && v.equals(o);
}

std::int64_t modulo(const Value& v, const Value& by) {
  const Value r = binary("%", v, by);
  if (r.is_integral()) return r.as_int();
  if (r.is_big()) return -1;
  return r.as_double() == 0 ? 0 : r.as_double() == 1 ? 1 : -1;
}
bool t_even(Interpreter&, const Value& v, const Args&) { return modulo(v, std::int64_t{2}) == 0; }
bool t_odd(Interpreter&, const Value& v, const Args&) { return modulo(v, std::int64_t{2}) == 1; }
bool t_divisible(Interpreter&, const Value& v, const Args& a) {
  const Value* by = a.get(0, "num");
  if (by == nullptr || !by->is_whole()) fail("divisibleby needs a number");
  return modulo(v, *by) == 0;
}

bool cased(const std::string& text, bool (*wanted)(char32_t), bool (*refused)(char32_t)) {
  bool any = false;
  for (const char32_t c : unicode::to_utf32(text)) {
    if (refused(c)) return false;
    any |= wanted(c);
  }
  return any;
}
bool t_lower(Interpreter&, const Value& v, const Args&) {
  return cased(v.str(), &unicode::is_lower, &unicode::is_upper);
}
bool t_upper(Interpreter&, const Value& v, const Args&) {
  return cased(v.str(), &unicode::is_upper, &unicode::is_lower);
}

bool t_filter(Interpreter&, const Value& v, const Args&) {
  return v.is_string() && find_filter(v.as_string()) != nullptr;
}
bool t_test(Interpreter&, const Value& v, const Args&) {
  return v.is_string() && find_test(v.as_string()) != nullptr;
}

struct Entry {
  std::string_view name;
  Test test;
};
constexpr Entry kTests[] = {{"defined", &t_defined},
                            {"undefined", &t_undefined},
                            {"none", &t_none},
                            {"boolean", &t_boolean},
                            {"true", &t_true},
                            {"false", &t_false},
                            {"integer", &t_integer},
                            {"float", &t_float},
                            {"number", &t_number},
                            {"string", &t_string},
                            {"mapping", &t_mapping},
                            {"escaped", &t_escaped},
                            {"callable", &t_callable},
                            {"sequence", &t_sequence},
                            {"iterable", &t_iterable},
                            {"eq", &t_eq},
                            {"==", &t_eq},
                            {"equalto", &t_eq},
                            {"ne", &t_ne},
                            {"!=", &t_ne},
                            {"lt", &t_lt},
                            {"<", &t_lt},
                            {"lessthan", &t_lt},
                            {"le", &t_le},
                            {"<=", &t_le},
                            {"gt", &t_gt},
                            {">", &t_gt},
                            {"greaterthan", &t_gt},
                            {"ge", &t_ge},
                            {">=", &t_ge},
                            {"in", &t_in},
                            {"sameas", &t_sameas},
                            {"even", &t_even},
                            {"odd", &t_odd},
                            {"divisibleby", &t_divisible},
                            {"lower", &t_lower},
                            {"upper", &t_upper},
                            {"filter", &t_filter},
                            {"test", &t_test}};

}  // namespace

Test find_test(std::string_view name) {
  for (const Entry& e : kTests)
    if (e.name == name) return e.test;
  return nullptr;
}

}  // namespace axl::tokenizer::jinja
