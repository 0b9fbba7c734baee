#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tokenizer/jinja/big_integer.hpp"

/// A Jinja interpreter for chat templates: the language of Jinja2 3.1 in the sandboxed environment
/// that transformers renders with.
namespace axl::tokenizer::jinja {

class Value;
class Items;
class Interpreter;
using List = std::vector<Value>;

/// Insertion-ordered, as Python's dict. Chat data have few keys, so a search is a scan.
class Dict {
 public:
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  void set(Value key, Value value);
  void append(std::string key, Value value);  ///< a key that is not there yet
  const std::vector<std::pair<Value, Value>>& items() const { return items_; }
  std::size_t size() const;

 private:
  std::vector<std::pair<Value, Value>> items_;
};

/// Arguments of a call: positional ones and named ones.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  const Value* get(std::size_t position, std::string_view name) const;
};

/// Macros, bound methods and globals.
struct Function {
  std::string name;
  std::function<Value(Interpreter&, const Arguments&)> call;
};

struct Undefined {
  /// What Python's UndefinedError says when it is used; shared by the copies of one value.
  std::shared_ptr<const std::string> message;
};
struct None {};

/// State of the `loop` variable.
struct Loop {
  std::shared_ptr<const List> items;
  std::size_t index = 0;
  std::size_t depth = 0;
  std::vector<Value> last_changed;
  std::function<Value(Interpreter&, const Value&)> recurse;
};

/// What Python walks but does not keep as a list: generators, which filters make, end after one
/// walk; ranges and the views of a dict do not. The object of cycler() goes round.
struct Series {
  enum class Kind : std::uint8_t { generator, reversed, range, keys, values, items, cycler };
  Kind kind = Kind::generator;
  std::shared_ptr<const List> items;
  std::size_t taken = 0;  ///< items of a generator that somebody has had; a cycler's place
  std::string text;       ///< how a range prints itself
  bool ends() const { return kind == Kind::generator || kind == Kind::reversed; }
};

/// A Python value as templates see it. Lists, dicts and strings are shared, never copied; templates
/// cannot change them (only namespaces can be written to). What a value holds, written out without
/// sharing, is bounded in size and depth: printing, comparing and freeing it end soon.
class Value {
 public:
  Value() : data_(Undefined{}) {}
  Value(None) : data_(None{}) {}                   // NOLINT(google-explicit-constructor)
  Value(bool b) : data_(b) {}                      // NOLINT(google-explicit-constructor)
  Value(std::int64_t i) : data_(i) {}              // NOLINT(google-explicit-constructor)
  Value(double d) : data_(d) {}                    // NOLINT(google-explicit-constructor)
  Value(std::string s);                            // NOLINT(google-explicit-constructor)
  Value(const char* s) : Value(std::string(s)) {}  // NOLINT(google-explicit-constructor)
  static Value undefined(std::string message);
  static Value list(List items);
  static Value tuple(List items);
  static Value dict(Dict items);
  static Value name_space(Dict items);
  static Value function(std::string name,
                        std::function<Value(Interpreter&, const Arguments&)> call);
  static Value loop(std::shared_ptr<Loop> state);
  /// Text that is HTML already, as the filters escape and safe mark it.
  static Value markup(std::string html);
  static Value series(Series::Kind kind, List items, std::string text = "");
  static Value from_json(const nlohmann::ordered_json& json);
  /// An integer of any size; those of 64 bits are kept as such.
  static Value integer(BigInteger value);

  bool is_undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  /// An integer of 64 bits; larger ones are is_big().
  bool is_int() const { return std::holds_alternative<std::int64_t>(data_); }
  bool is_big() const { return std::holds_alternative<Big>(data_); }
  bool is_float() const { return std::holds_alternative<double>(data_); }
  bool is_number() const { return is_bool() || is_int() || is_float() || is_big(); }
  bool is_integral() const { return is_bool() || is_int(); }
  /// Python's int, of any size.
  bool is_whole() const { return is_integral() || is_big(); }
  bool is_string() const { return std::holds_alternative<Text>(data_); }
  bool is_markup() const { return is_string() && markup_; }
  bool is_list() const { return std::holds_alternative<Sequence>(data_) && !tuple_; }
  bool is_tuple() const { return std::holds_alternative<Sequence>(data_) && tuple_; }
  bool is_sequence() const { return std::holds_alternative<Sequence>(data_); }
  bool is_dict() const { return std::holds_alternative<Table>(data_) && !name_space_; }
  bool is_namespace() const { return std::holds_alternative<Table>(data_) && name_space_; }
  bool is_function() const { return std::holds_alternative<Callable>(data_); }
  bool is_loop() const { return std::holds_alternative<LoopState>(data_); }
  bool is_series() const { return std::holds_alternative<Walk>(data_); }
  bool is_series(Series::Kind kind) const { return is_series() && as_series().kind == kind; }

  const std::string& as_string() const { return *std::get<Text>(data_); }
  const List& as_list() const { return *std::get<Sequence>(data_); }
  const std::shared_ptr<const List>& shared_list() const { return std::get<Sequence>(data_); }
  const Dict& as_dict() const { return *std::get<Table>(data_); }
  Dict& mutable_dict() const { return *std::get<Table>(data_); }
  const Function& as_function() const { return *std::get<Callable>(data_); }
  Loop& as_loop() const { return *std::get<LoopState>(data_); }
  Series& as_series() const { return *std::get<Walk>(data_); }
  const std::string& undefined_message() const;
  /// Whether two undefined values are one and the same: each look-up makes another.
  bool is_same_undefined(const Value& other) const;
  std::int64_t as_int() const;  ///< of an int or bool
  double as_double() const;     ///< of any number
  BigInteger as_big() const;    ///< of is_whole()

  /// Bytes of everything below, each shared part as often as it occurs.
  std::size_t bytes() const { return bytes_; }
  /// Bytes that a step over the characters or the items of this value alone touches.
  std::size_t own_bytes() const;
  /// True when a namespace is reached from here: no namespace may hold such a value.
  bool reaches_namespace() const { return reaches_namespace_; }
  /// For functions made of a value, as bound methods are.
  void contain(const Value& part);

  bool truthy() const;
  /// What `{{ value }}` prints: Python's str().
  std::string str() const;
  std::string repr() const;
  /// "str", "int", "dict"...: the Python type's name.
  std::string type_name() const;
  bool equals(const Value& other) const;
  /// <0, 0, >0; Error{data} with Python's TypeError text when the two have no order.
  int compare(const Value& other, const char* op) const;
  /// The items that a for loop sees; a generator has none left after it. Error{data} when the value
  /// cannot be iterated.
  Items iterate() const;

 private:
  using Text = std::shared_ptr<const std::string>;
  using Sequence = std::shared_ptr<const List>;
  using Table = std::shared_ptr<Dict>;
  using Callable = std::shared_ptr<const Function>;
  using LoopState = std::shared_ptr<Loop>;
  using Walk = std::shared_ptr<Series>;
  using Big = std::shared_ptr<const BigInteger>;
  std::variant<Undefined, None, bool, std::int64_t, double, Text, Sequence, Table, Callable,
               LoopState, Walk, Big>
      data_;
  void write_repr(std::string& out) const;

  std::uint32_t bytes_ = 0;
  std::uint16_t depth_ = 0;
  bool reaches_namespace_ = false;
  bool tuple_ = false;
  bool name_space_ = false;
  bool markup_ = false;
};

/// The items that a loop sees, kept alive while it is walked: `for (const Value& v : x.iterate())`.
class Items {
 public:
  explicit Items(std::shared_ptr<const List> list) : list_(std::move(list)) {}
  List::const_iterator begin() const;
  List::const_iterator end() const;
  const List& operator*() const& { return *list_; }
  const List& operator*() && = delete;  // the list may end with this object
  const List* operator->() const { return list_.get(); }
  const std::shared_ptr<const List>& shared() const { return list_; }

 private:
  std::shared_ptr<const List> list_;
};

/// Throws Error{data}: a template that cannot be rendered with these variables.
[[noreturn]] void fail(const std::string& message);

/// Largest string, list or output that a template may make: far above any conversation, low enough
/// to stop one that multiplies itself.
inline constexpr std::size_t kLargest = std::size_t{1} << 26;
void check_size(std::size_t size);
/// The same for a list of so many items that is still to be made.
void check_items(std::size_t count);

/// Python's repr() of a float and of a string.
std::string float_repr(double d);
std::string string_repr(std::string_view text);

/// json.dumps as transformers' tojson filter calls it.
struct JsonStyle {
  bool ensure_ascii = false;
  bool pretty = false;
  std::string indent;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};
std::string to_json(const Value& value, const JsonStyle& style);

}  // namespace axl::tokenizer::jinja
