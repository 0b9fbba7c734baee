#include <array>
#include <utility>

#include "tokenizer/jinja/string_methods.hpp"

// Methods of text that is HTML already (markupsafe's Markup): those of str, but what they make is
// HTML again. join, replace and format escape what they take in.

namespace axl::tokenizer::jinja {
namespace {

constexpr std::array<std::string_view, 25> kNames = {
    "join",       "split",        "rsplit",       "splitlines", "capitalize", "title",  "lower",
    "upper",      "replace",      "ljust",        "rjust",      "lstrip",     "rstrip", "center",
    "strip",      "expandtabs",   "swapcase",     "zfill",      "casefold",   "format", "partition",
    "rpartition", "removeprefix", "removesuffix", "format_map"};

Value marked(const Value& v) {
  if (v.is_string()) return Value::markup(v.as_string());
  if (!v.is_sequence()) return v;
  List items;
  for (const Value& item : v.as_list()) items.push_back(marked(item));
  return v.is_tuple() ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

template <std::size_t I>
Value method(Interpreter& i, const Value& self, const Arguments& a) {
  return marked(find_string_method(kNames[I])(i, self, a));
}

template <std::size_t... I>
constexpr std::array<Method, sizeof...(I)> methods(std::index_sequence<I...>) {
  return {&method<I>...};
}

}  // namespace

Method find_markup_method(std::string_view name) {
  static constexpr auto kMethods = methods(std::make_index_sequence<kNames.size()>());
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return kMethods[i];
  return find_string_method(name);
}

}  // namespace axl::tokenizer::jinja
