#include "tokenizer/jinja/value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {

void fail(const std::string& message) { throw Error(ErrorCode::data, message); }

void check_size(std::size_t size) {
  if (size > kLargest) fail("the template makes a value of more than 64 MiB");
}

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

const Value* Arguments::get(std::size_t position, std::string_view name) const {
  if (position < positional.size()) return &positional[position];
  for (const auto& [n, v] : named)
    if (n == name) return &v;
  return nullptr;
}

Value::Value(std::string s) : data_(std::make_shared<const std::string>(std::move(s))) {}

Value Value::undefined(std::string message) {
  Value v;
  v.data_ = Undefined{std::move(message)};
  return v;
}
Value Value::list(List items) {
  Value v;
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
  v.data_ = std::make_shared<Dict>(std::move(items));
  return v;
}
Value Value::name_space(Dict items) {
  Value v = dict(std::move(items));
  v.name_space_ = true;
  return v;
}
Value Value::function(std::string name, std::function<Value(Interpreter&, const Arguments&)> call) {
  Value v;
  v.data_ = std::make_shared<const Function>(Function{std::move(name), std::move(call)});
  return v;
}
Value Value::loop(std::shared_ptr<Loop> state) {
  Value v;
  v.data_ = std::move(state);
  return v;
}

Value Value::from_json(const nlohmann::ordered_json& json) {
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::boolean:
      return json.get<bool>();
    case nlohmann::ordered_json::value_t::number_integer:
    case nlohmann::ordered_json::value_t::number_unsigned:
      return json.get<std::int64_t>();
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
      for (const auto& [key, item] : json.items()) items.set(key, from_json(item));
      return dict(std::move(items));
    }
    default:
      return None{};
  }
}

std::int64_t Value::as_int() const {
  if (const bool* b = std::get_if<bool>(&data_)) return *b ? 1 : 0;
  return std::get<std::int64_t>(data_);
}

double Value::as_double() const {
  if (const double* d = std::get_if<double>(&data_)) return *d;
  return static_cast<double>(as_int());
}

bool Value::truthy() const {
  if (is_undefined() || is_none()) return false;
  if (is_integral()) return as_int() != 0;
  if (is_float()) return as_double() != 0.0;
  if (is_string()) return !as_string().empty();
  if (is_sequence()) return !as_list().empty();
  if (is_dict()) return as_dict().size() != 0;
  return true;
}

std::string Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (is_bool()) return "bool";
  if (is_int()) return "int";
  if (is_float()) return "float";
  if (is_string()) return "str";
  if (is_tuple()) return "tuple";
  if (is_sequence()) return "list";
  if (is_namespace()) return "Namespace";
  if (is_dict()) return "dict";
  if (is_loop()) return "LoopContext";
  return "function";
}

std::string Value::str() const {
  if (is_string()) return as_string();
  if (is_undefined()) return "";
  return repr();
}

std::string Value::repr() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "None";
  if (is_bool()) return as_int() != 0 ? "True" : "False";
  if (is_int()) return std::to_string(as_int());
  if (is_float()) return float_repr(as_double());
  if (is_string()) return string_repr(as_string());
  std::string out;
  if (is_sequence()) {
    const List& items = as_list();
    out += is_tuple() ? '(' : '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += ", ";
      out += items[i].repr();
      check_size(out.size());
    }
    if (is_tuple() && items.size() == 1) out += ',';
    out += is_tuple() ? ')' : ']';
    return out;
  }
  if (is_dict() || is_namespace()) {
    out += is_namespace() ? "<Namespace {" : "{";
    bool first = true;
    for (const auto& [k, v] : as_dict().items()) {
      if (!first) out += ", ";
      first = false;
      out += k.repr() + ": " + v.repr();
      check_size(out.size());
    }
    return out + (is_namespace() ? "}>" : "}");
  }
  if (is_loop())
    return "<LoopContext " + std::to_string(as_loop().index + 1) + "/" +
           std::to_string(as_loop().items->size()) + ">";
  return "<function " + as_function().name + ">";
}

bool Value::equals(const Value& other) const {
  if (is_number() && other.is_number()) {
    if (is_integral() && other.is_integral()) return as_int() == other.as_int();
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
  return false;
}

int Value::compare(const Value& other, const char* op) const {
  const auto order = [](const auto& a, const auto& b) { return a < b ? -1 : b < a ? 1 : 0; };
  if (is_undefined()) fail(undefined_message());
  if (other.is_undefined()) fail(other.undefined_message());
  if (is_integral() && other.is_integral()) return order(as_int(), other.as_int());
  if (is_number() && other.is_number()) return order(as_double(), other.as_double());
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

std::shared_ptr<const List> Value::iterate() const {
  if (is_sequence()) return shared_list();
  auto items = std::make_shared<List>();
  if (is_undefined()) return items;
  if (is_string()) {
    const std::string& s = as_string();
    for (const char *p = s.data(), *end = p + s.size(); p < end;) {
      const unicode::Decoded d = unicode::decode(p, end);
      items->emplace_back(std::string(p, d.bytes));
      p += d.bytes;
    }
    return items;
  }
  if (is_dict()) {
    for (const auto& [k, v] : as_dict().items()) items->push_back(k);
    return items;
  }
  if (is_loop()) return as_loop().items;
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
