#include <cmath>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/interpreter.hpp"

namespace axl::tokenizer::jinja {
namespace {

[[noreturn]] void unsupported(const std::string& op, const Value& a, const Value& b) {
  fail("unsupported operand type(s) for " + op + ": '" + a.type_name() + "' and '" + b.type_name() +
       "'");
}

Value add(const Value& a, const Value& b) {
  if (a.is_string() && b.is_string()) {
    check_size(a.as_string().size() + b.as_string().size());
    if (a.is_markup() || b.is_markup()) return Value::markup(html_of(a) + html_of(b));
    return a.as_string() + b.as_string();
  }
  if (a.is_string()) fail("can only concatenate str (not \"" + b.type_name() + "\") to str");
  if (a.is_sequence() && b.is_sequence() && a.is_tuple() == b.is_tuple()) {
    List items = a.as_list();
    check_size((items.size() + b.as_list().size()) * sizeof(Value));
    items.insert(items.end(), b.as_list().begin(), b.as_list().end());
    return a.is_tuple() ? Value::tuple(std::move(items)) : Value::list(std::move(items));
  }
  if (a.is_sequence())
    fail("can only concatenate " + a.type_name() + " (not \"" + b.type_name() + "\") to " +
         a.type_name());
  unsupported("+", a, b);
}

Value repeat(const Value& what, std::int64_t times) {
  const auto n = static_cast<std::size_t>(times < 0 ? 0 : times);
  const std::size_t each =
      what.is_string() ? what.as_string().size() : what.as_list().size() * sizeof(Value);
  if (each != 0 && n > kLargest / each) check_size(kLargest + 1);
  if (what.is_string()) {
    std::string out;
    if (each == 1) out.assign(n, what.as_string()[0]);
    if (each > 1) out.reserve(n * each);
    for (std::size_t i = 0; i < n && each > 1; ++i) out += what.as_string();
    return what.is_markup() ? Value::markup(std::move(out)) : Value(std::move(out));
  }
  List items;
  for (std::size_t i = 0; i < n && each != 0; ++i)
    items.insert(items.end(), what.as_list().begin(), what.as_list().end());
  return what.is_tuple() ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  const std::int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

[[noreturn]] void divided_by_zero(const std::string& op) {
  fail(op == "/"    ? "division by zero"
       : op == "//" ? "integer division or modulo by zero"
                    : "integer modulo by zero");
}

/// Where 64 bits do not hold the operands or the result.
Value big_integers(const std::string& op, const BigInteger& a, const BigInteger& b) {
  if (op == "+") return Value::integer(a.plus(b));
  if (op == "-") return Value::integer(a.plus(b.negated()));
  if (op == "*") return Value::integer(a.times(b));
  if (op == "**") {
    if (b.is_negative()) {
      if (a.is_zero()) fail("0.0 cannot be raised to a negative power");
      return std::pow(Value::integer(a).as_double(), Value::integer(b).as_double());
    }
    const auto exponent = b.small();
    if (!exponent) fail("an integer of the template has more than 4300 digits");
    return Value::integer(a.power(*exponent));
  }
  if (b.is_zero()) divided_by_zero(op);
  if (op == "/") {
    const double ratio = a.ratio(b);
    if (std::isinf(ratio)) fail("integer division result too large for a float");
    return ratio;
  }
  auto [quotient, rest] = a.divided(b);
  return Value::integer(op == "//" ? std::move(quotient) : std::move(rest));
}

Value integers(const std::string& op, std::int64_t a, std::int64_t b) {
  std::int64_t r = 0;
  if (op == "+" && !__builtin_add_overflow(a, b, &r)) return r;
  if (op == "-" && !__builtin_sub_overflow(a, b, &r)) return r;
  if (op == "*" && !__builtin_mul_overflow(a, b, &r)) return r;
  // A double holds whole numbers up to 2^53.
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  const bool exact = a >= -kExact && a <= kExact && b >= -kExact && b <= kExact;
  const bool divides = b != 0 && b != -1;
  if (op == "/" && divides && exact) return static_cast<double>(a) / static_cast<double>(b);
  if (op == "//" && divides) return floor_divide(a, b);
  if (op == "%" && divides) return a - floor_divide(a, b) * b;
  return big_integers(op, BigInteger(a), BigInteger(b));
}

Value reals(const std::string& op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "**") {
    if (a == 0 && b < 0) fail("0.0 cannot be raised to a negative power");
    if (a < 0 && b != std::floor(b)) fail("a power is a complex number");
    return std::pow(a, b);
  }
  if (b == 0) fail(op == "/" ? "float division by zero" : "float modulo");
  if (op == "/") return a / b;
  if (op == "//") return std::floor(a / b);
  const double r = std::fmod(a, b);
  if (r == 0) return std::copysign(0.0, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

}  // namespace

Value binary(const std::string& op, const Value& a, const Value& b) {
  if (a.is_undefined()) fail(a.undefined_message());
  if (op == "%" && a.is_string())
    return format_percent(a, b.is_tuple() ? b.as_list() : List{b},
                          b.is_dict() || b.is_undefined() || (b.is_sequence() && !b.is_tuple()));
  if (b.is_undefined()) fail(b.undefined_message());
  if (a.is_integral() && b.is_integral()) return integers(op, a.as_int(), b.as_int());
  if (a.is_whole() && b.is_whole()) return big_integers(op, a.as_big(), b.as_big());
  if (a.is_number() && b.is_number()) return reals(op, a.as_double(), b.as_double());
  if (op == "+") return add(a, b);
  if (op == "*" && (a.is_string() || a.is_sequence()) && b.is_integral())
    return repeat(a, b.as_int());
  if (op == "*" && (b.is_string() || b.is_sequence()) && a.is_integral())
    return repeat(b, a.as_int());
  unsupported(op == "**" ? "** or pow()" : op, a, b);
}

Value negate(const Value& v) {
  if (v.is_undefined()) fail(v.undefined_message());
  if (v.is_integral()) return integers("-", 0, v.as_int());
  if (v.is_big()) return Value::integer(v.as_big().negated());
  if (v.is_float()) return -v.as_double();
  fail("bad operand type for unary -: '" + v.type_name() + "'");
}

void require_hashable(const Value& v) {
  if (v.is_list() || v.is_dict()) fail("unhashable type: '" + v.type_name() + "'");
  if (v.is_tuple())
    for (const Value& part : v.as_list()) require_hashable(part);
}

bool contains(const Value& container, const Value& item) {
  if (container.is_string()) {
    if (item.is_undefined()) fail(item.undefined_message());
    if (!item.is_string())
      fail("'in <string>' requires string as left operand, not " + item.type_name());
    return container.as_string().find(item.as_string()) != std::string::npos;
  }
  if (container.is_dict()) {
    require_hashable(item);
    return container.as_dict().find(item) != nullptr;
  }
  if (container.is_series() && container.as_series().ends()) {  // walked up to the item
    Series& s = container.as_series();
    while (s.taken < s.items->size())
      if ((*s.items)[s.taken++].equals(item)) return true;
    return false;
  }
  if (!container.is_sequence() && !container.is_undefined() && !container.is_series())
    fail("argument of type '" + container.type_name() + "' is not iterable");
  const auto items = container.iterate();
  for (const Value& v : *items)
    if (v.equals(item)) return true;
  return false;
}

}  // namespace axl::tokenizer::jinja
