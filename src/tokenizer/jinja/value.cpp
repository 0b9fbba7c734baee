#include "tokenizer/jinja/value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "core/json.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {

void fail(const std::string& message) { throw Error(ErrorCode::data, message); }

void check_size(std::size_t size) {
  if (size > kLargest) fail("the template makes a value of more than 64 MiB");
}

void check_items(std::size_t count) {
  if (count > kLargest / sizeof(Value)) check_size(kLargest + 1);
}

std::size_t Dict::size() const { return items_.size(); }

const Value* Dict::find(const Value& key) const {
  for (const auto& [k, v] : items_)
    if (k.equals(key)) return &v;
  return nullptr;
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [k, v] : items_)
    if (k.is_string() && k.as_string() == key) return &v;
  return nullptr;
}

void Dict::set(Value key, Value value) {
  for (auto& [k, v] : items_) {
    if (!k.equals(key)) continue;
    v = std::move(value);
    return;
  }
  items_.emplace_back(std::move(key), std::move(value));
}

void Dict::append(std::string key, Value value) {
  items_.emplace_back(std::move(key), std::move(value));
}

const Value* Arguments::get(std::size_t position, std::string_view name) const {
  if (position < positional.size()) return &positional[position];
  for (const auto& [n, v] : named)
    if (n == name) return &v;
  return nullptr;
}

Value::Value(std::string s) {
  check_size(s.size());
  bytes_ = static_cast<std::uint32_t>(s.size());
  data_ = std::make_shared<const std::string>(std::move(s));
}

void Value::contain(const Value& part) {
  constexpr int kDeepest = 500;
  if (part.depth_ >= kDeepest) fail("the template nests values deeper than 500 levels");
  depth_ = std::max<std::uint16_t>(depth_, static_cast<std::uint16_t>(part.depth_ + 1));
  const std::size_t sum = bytes_ + sizeof(Value) + part.bytes_;
  check_size(sum);
  bytes_ = static_cast<std::uint32_t>(sum);
  reaches_namespace_ |= part.reaches_namespace_;
}

std::size_t Value::own_bytes() const {
  if (is_string()) return as_string().size();
  if (is_big()) return std::size_t{bytes_} * bytes_ / 64;  // as long as a product takes
  if (is_sequence()) return as_list().size() * sizeof(Value);
  if (is_dict()) return as_dict().size() * 2 * sizeof(Value);
  if (is_series()) return as_series().items->size() * sizeof(Value);
  return 0;
}

Value Value::undefined(std::string message) {
  Value v;
  v.data_ = Undefined{std::make_shared<const std::string>(std::move(message))};
  return v;
}
Value Value::list(List items) {
  Value v;
  for (const Value& item : items) v.contain(item);
  v.data_ = std::make_shared<const List>(std::move(items));
  return v;
}
Value Value::tuple(List items) {
  Value v = list(std::move(items));
  v.tuple_ = true;
  return v;
}
Value Value::dict(Dict items) {
  Value v;
  for (const auto& [key, value] : items.items()) {
    v.contain(key);
    v.contain(value);
  }
  v.data_ = std::make_shared<Dict>(std::move(items));
  return v;
}
Value Value::name_space(Dict items) {
  Value v;
  v.data_ = std::make_shared<Dict>(std::move(items));
  v.name_space_ = true;
  v.reaches_namespace_ = true;
  return v;
}
Value Value::function(std::string name, std::function<Value(Interpreter&, const Arguments&)> call) {
  Value v;
  v.data_ = std::make_shared<const Function>(Function{std::move(name), std::move(call)});
  return v;
}
Value Value::loop(std::shared_ptr<Loop> state) {
  Value v;
  for (const Value& item : *state->items) v.contain(item);
  v.data_ = std::move(state);
  return v;
}
Value Value::markup(std::string html) {
  Value v(std::move(html));
  v.markup_ = true;
  return v;
}

Value Value::series(Series::Kind kind, List items, std::string text) {
  Value v = list(std::move(items));
  v.data_ = std::make_shared<Series>(Series{kind, v.shared_list(), 0, std::move(text)});
  return v;
}

Value Value::from_json(const nlohmann::ordered_json& json) {
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::boolean:
      return json.get<bool>();
    case nlohmann::ordered_json::value_t::number_integer:
      return json.get<std::int64_t>();
    case nlohmann::ordered_json::value_t::number_unsigned:
      return integer(BigInteger(std::string_view(json_text(json))));
    case nlohmann::ordered_json::value_t::binary:
      return integer(BigInteger(digits_of(json)));
    case nlohmann::ordered_json::value_t::number_float:
      return json.get<double>();
    case nlohmann::ordered_json::value_t::string:
      return json.get<std::string>();
    case nlohmann::ordered_json::value_t::array: {
      List items;
      items.reserve(json.size());
      for (const auto& item : json) items.push_back(from_json(item));
      return list(std::move(items));
    }
    case nlohmann::ordered_json::value_t::object: {
      Dict items;
      for (const auto& [key, item] : json.items()) items.append(key, from_json(item));
      return dict(std::move(items));
    }
    default:
      return None{};
  }
}

Value Value::integer(BigInteger value) {
  if (const auto small = value.small()) return *small;
  Value v;
  v.bytes_ = static_cast<std::uint32_t>(value.decimal().size());
  v.data_ = std::make_shared<const BigInteger>(std::move(value));
  return v;
}

std::int64_t Value::as_int() const {
  if (const bool* b = std::get_if<bool>(&data_)) return *b ? 1 : 0;
  return std::get<std::int64_t>(data_);
}

const std::string& Value::undefined_message() const {
  static const std::string none;
  const auto& message = std::get<Undefined>(data_).message;
  return message ? *message : none;
}

bool Value::is_same_undefined(const Value& other) const {
  return std::get<Undefined>(data_).message == std::get<Undefined>(other.data_).message;
}

double Value::as_double() const {
  if (const double* d = std::get_if<double>(&data_)) return *d;
  if (!is_big()) return static_cast<double>(as_int());
  const double d = std::get<Big>(data_)->to_double();
  if (std::isinf(d)) fail("int too large to convert to float");
  return d;
}

BigInteger Value::as_big() const { return is_big() ? *std::get<Big>(data_) : BigInteger(as_int()); }

bool Value::truthy() const {
  if (is_undefined() || is_none()) return false;
  if (is_integral()) return as_int() != 0;
  if (is_float()) return as_double() != 0.0;
  if (is_string()) return !as_string().empty();
  if (is_sequence()) return !as_list().empty();
  if (is_dict()) return as_dict().size() != 0;
  if (is_series() && !as_series().ends()) return !as_series().items->empty();
  return true;
}

namespace {
constexpr std::string_view kSeriesNames[] = {"generator", "list_reverseiterator", "range",
                                             "dict_keys", "dict_values",          "dict_items",
                                             "Cycler"};
}  // namespace

std::string Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (is_bool()) return "bool";
  if (is_int()) return "int";
  if (is_float()) return "float";
  if (is_string()) return is_markup() ? "Markup" : "str";
  if (is_tuple()) return "tuple";
  if (is_sequence()) return "list";
  if (is_namespace()) return "Namespace";
  if (is_dict()) return "dict";
  if (is_loop()) return "LoopContext";
  if (is_series()) return std::string(kSeriesNames[static_cast<std::size_t>(as_series().kind)]);
  return "function";
}

std::string Value::str() const {
  if (is_string()) return as_string();
  if (is_undefined()) return "";
  return repr();
}

std::string Value::repr() const {
  std::string out;
  write_repr(out);
  return out;
}

void Value::write_repr(std::string& out) const {
  auto separate = [&out, first = true]() mutable {
    if (!std::exchange(first, false)) out += ", ";
    check_size(out.size());
  };
  if (is_undefined()) {
    out += "Undefined";
  } else if (is_none()) {
    out += "None";
  } else if (is_bool()) {
    out += as_int() != 0 ? "True" : "False";
  } else if (is_int()) {
    out += std::to_string(as_int());
  } else if (is_big()) {
    out += as_big().decimal();
  } else if (is_float()) {
    out += float_repr(as_double());
  } else if (is_string()) {
    out += is_markup() ? "Markup(" + string_repr(as_string()) + ")" : string_repr(as_string());
  } else if (is_sequence()) {
    const List& items = as_list();
    out += is_tuple() ? '(' : '[';
    for (const Value& item : items) {
      separate();
      item.write_repr(out);
    }
    if (is_tuple() && items.size() == 1) out += ',';
    out += is_tuple() ? ')' : ']';
  } else if (is_dict() || is_namespace()) {
    out += is_namespace() ? "<Namespace {" : "{";
    for (const auto& [k, v] : as_dict().items()) {
      separate();
      k.write_repr(out);
      out += ": ";
      v.write_repr(out);
    }
    out += is_namespace() ? "}>" : "}";
  } else if (is_loop()) {
    out += "<LoopContext " + std::to_string(as_loop().index + 1) + "/" +
           std::to_string(as_loop().items->size()) + ">";
  } else if (is_series()) {
    const Series& s = as_series();
    if (s.ends() || s.kind == Series::Kind::cycler)
      fail("a " + type_name() + " has no text of its own; a template puts |list behind it");
    if (s.kind == Series::Kind::range) {
      out += s.text;
    } else {
      out += type_name() + "([";
      for (const Value& item : *s.items) {
        separate();
        item.write_repr(out);
      }
      out += "])";
    }
  } else {
    out += "<function " + as_function().name + ">";
  }
  check_size(out.size());
}

namespace {

int order_of(double a, double b) { return a < b ? -1 : b < a ? 1 : 0; }

/// Whether a double may not hold this number.
bool exceeds_double(const Value& v) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  return v.is_big() || (v.is_int() && (v.as_int() > kExact || v.as_int() < -kExact));
}

/// Of two numbers one of which exceeds_double(), without rounding it; NaN is above everything here.
int order_of_big(const Value& a, const Value& b) {
  if (a.is_whole() && b.is_whole()) return a.as_big().compare(b.as_big());
  if (!a.is_whole()) return -order_of_big(b, a);
  const double d = b.as_double();
  if (std::isinf(d)) return d > 0 ? -1 : 1;
  if (std::isnan(d)) return -1;
  const int whole = a.as_big().compare(BigInteger::truncated(d));
  return whole != 0 ? whole : order_of(0, d - std::trunc(d));
}

/// Ranges are compared in order, keys and pairs as sets, everything else by identity.
bool same_series(const Series& a, const Series& b) {
  using Kind = Series::Kind;
  if (a.kind != b.kind || (a.kind != Kind::range && a.kind != Kind::keys && a.kind != Kind::items))
    return &a == &b;
  if (a.items->size() != b.items->size()) return false;
  for (std::size_t i = 0; i < a.items->size(); ++i) {
    const Value& item = (*a.items)[i];
    const bool there = a.kind == Kind::range
                           ? item.equals((*b.items)[i])
                           : std::any_of(b.items->begin(), b.items->end(),
                                         [&item](const Value& v) { return v.equals(item); });
    if (!there) return false;
  }
  return true;
}

}  // namespace

bool Value::equals(const Value& other) const {
  if (is_number() && other.is_number()) {
    if (is_integral() && other.is_integral()) return as_int() == other.as_int();
    if (exceeds_double(*this) || exceeds_double(other)) return order_of_big(*this, other) == 0;
    return as_double() == other.as_double();
  }
  if (is_string() && other.is_string()) return as_string() == other.as_string();
  if (is_none() || is_undefined())
    return (is_none() && other.is_none()) || (is_undefined() && other.is_undefined());
  if (is_sequence() && other.is_sequence() && is_tuple() == other.is_tuple())
    return std::equal(as_list().begin(), as_list().end(), other.as_list().begin(),
                      other.as_list().end(),
                      [](const Value& a, const Value& b) { return a.equals(b); });
  if (is_dict() && other.is_dict()) {
    if (as_dict().size() != other.as_dict().size()) return false;
    for (const auto& [k, v] : as_dict().items()) {
      const Value* theirs = other.as_dict().find(k);
      if (theirs == nullptr || !v.equals(*theirs)) return false;
    }
    return true;
  }
  if (is_function() && other.is_function()) return &as_function() == &other.as_function();
  if (is_loop() && other.is_loop()) return &as_loop() == &other.as_loop();
  if (is_series() && other.is_series()) return same_series(as_series(), other.as_series());
  return false;
}

int Value::compare(const Value& other, const char* op) const {
  const auto order = [](const auto& a, const auto& b) { return a < b ? -1 : b < a ? 1 : 0; };
  if (is_undefined()) fail(undefined_message());
  if (other.is_undefined()) fail(other.undefined_message());
  if (is_integral() && other.is_integral()) return order(as_int(), other.as_int());
  if (is_number() && other.is_number() && (exceeds_double(*this) || exceeds_double(other)))
    return order_of_big(*this, other);
  if (is_number() && other.is_number()) return order_of(as_double(), other.as_double());
  if (is_string() && other.is_string()) return order(as_string(), other.as_string());
  if (is_sequence() && other.is_sequence() && is_tuple() == other.is_tuple()) {
    const List &a = as_list(), &b = other.as_list();
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
      if (!a[i].equals(b[i])) return a[i].compare(b[i], op);
    return order(a.size(), b.size());
  }
  fail("'" + std::string(op) + "' not supported between instances of '" + type_name() + "' and '" +
       other.type_name() + "'");
}

List::const_iterator Items::begin() const { return list_->begin(); }
List::const_iterator Items::end() const { return list_->end(); }

Items Value::iterate() const {
  if (is_sequence()) return Items(shared_list());
  auto items = std::make_shared<List>();
  if (is_undefined()) return Items(items);
  if (is_string()) {
    const std::string& s = as_string();
    check_items(unicode::count(s));
    for (const char *p = s.data(), *end = p + s.size(); p < end;) {
      const unicode::Decoded d = unicode::decode(p, end);
      items->emplace_back(std::string(p, d.bytes));
      p += d.bytes;
    }
    return Items(items);
  }
  if (is_dict()) {
    for (const auto& [k, v] : as_dict().items()) items->push_back(k);
    return Items(items);
  }
  if (is_loop()) return Items(as_loop().items);
  if (is_series() && as_series().kind != Series::Kind::cycler) {
    Series& s = as_series();
    if (!s.ends()) return Items(s.items);
    const std::size_t from = std::exchange(s.taken, s.items->size());
    if (from == 0) return Items(s.items);
    items->assign(s.items->begin() + static_cast<std::ptrdiff_t>(from), s.items->end());
    return Items(items);
  }
  fail("'" + type_name() + "' object is not iterable");
}

std::string float_repr(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
  char digits[64];
  const auto shortest =
      std::to_chars(digits, digits + sizeof digits, d, std::chars_format::scientific);
  std::string text(digits, shortest.ptr);
  const std::size_t e = text.find('e');
  const int exponent = std::stoi(text.substr(e + 1));
  // Python writes 1e-05 and 1e+16, and everything between without an exponent.
  if (exponent < -4 || exponent >= 16) return text;
  const auto plain = std::to_chars(digits, digits + sizeof digits, d, std::chars_format::fixed);
  text.assign(digits, plain.ptr);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string string_repr(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  const bool doubles =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = doubles ? '"' : '\'';
  std::string out(1, quote);
  const auto hex = [&](char kind, char32_t code, int digits) {
    out += '\\';
    out += kind;
    for (int i = digits - 1; i >= 0; --i) out += kHex[code >> (4 * i) & 15];
  };
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const unicode::Decoded d = unicode::decode(p, end);
    if (d.code == static_cast<char32_t>(quote) || d.code == '\\') {
      out += '\\';
      out += *p;
    } else if (d.code == '\n') {
      out += "\\n";
    } else if (d.code == '\r') {
      out += "\\r";
    } else if (d.code == '\t') {
      out += "\\t";
    } else if (unicode::is_printable(d.code)) {
      out.append(p, d.bytes);
    } else if (d.code < 0x100) {
      hex('x', d.code, 2);
    } else if (d.code < 0x10000) {
      hex('u', d.code, 4);
    } else {
      hex('U', d.code, 8);
    }
    p += d.bytes;
  }
  return out + quote;
}

}  // namespace axl::tokenizer::jinja
