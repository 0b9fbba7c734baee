#include <algorithm>
#include <utility>

#include "tokenizer/jinja/string_methods.hpp"
#include "tokenizer/jinja/text.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

using Args = Arguments;

/// True when the text is not empty and every character is of the wanted kind.
template <class Wanted>
Value all_characters(const Value& s, const Wanted& wanted) {
  const std::u32string text = unicode::to_utf32(s.as_string());
  return !text.empty() && std::all_of(text.begin(), text.end(), wanted);
}
Value isdigit(Interpreter&, const Value& s, const Args&) {
  return all_characters(s, [](char32_t c) {
    return (unicode::classes(c) & unicode::kNumber) != 0 && unicode::is_digit(c);
  });
}
Value isnumeric(Interpreter&, const Value& s, const Args&) {
  return all_characters(s,
                        [](char32_t c) { return (unicode::classes(c) & unicode::kNumber) != 0; });
}
Value isalpha(Interpreter&, const Value& s, const Args&) {
  return all_characters(s,
                        [](char32_t c) { return (unicode::classes(c) & unicode::kLetter) != 0; });
}
Value isalnum(Interpreter&, const Value& s, const Args&) {
  return all_characters(s, [](char32_t c) {
    return (unicode::classes(c) & (unicode::kLetter | unicode::kNumber)) != 0;
  });
}
Value isspace(Interpreter&, const Value& s, const Args&) {
  return all_characters(s, &python_space);
}
Value cased(const Value& s, bool (*wanted)(char32_t), bool (*refused)(char32_t)) {
  bool any = false;
  for (const char32_t c : unicode::to_utf32(s.as_string())) {
    if (refused(c)) return false;
    any |= wanted(c);
  }
  return any;
}
Value isupper(Interpreter&, const Value& s, const Args&) {
  return cased(s, &unicode::is_upper, &unicode::is_lower);
}
Value islower(Interpreter&, const Value& s, const Args&) {
  return cased(s, &unicode::is_lower, &unicode::is_upper);
}

Value istitle(Interpreter&, const Value& s, const Args&) {
  bool inside = false, any = false;
  for (const char32_t c : unicode::to_utf32(s.as_string())) {
    const bool upper = unicode::is_upper(c), lower = unicode::is_lower(c);
    if ((upper && inside) || (lower && !inside)) return false;
    inside = upper || lower;
    any |= inside;
  }
  return any;
}
Value isprintable(Interpreter&, const Value& s, const Args&) {
  const std::u32string text = unicode::to_utf32(s.as_string());
  return std::all_of(text.begin(), text.end(), &unicode::is_printable);
}
Value isidentifier(Interpreter&, const Value& s, const Args&) {
  const std::u32string text = unicode::to_utf32(s.as_string());
  bool first = true;
  for (const char32_t c : text) {
    const std::uint8_t classes = unicode::classes(c);
    const bool start = c == U'_' || (classes & unicode::kLetter) != 0;
    const bool part = (classes & (unicode::kNumber | unicode::kMark)) != 0;
    if (!start && (std::exchange(first, false) || !part)) return false;
    first = false;
  }
  return !text.empty();
}
Value isascii(Interpreter&, const Value& s, const Args&) {
  return unicode::is_ascii(s.as_string());
}

struct Entry {
  std::string_view name;
  Method method;
};
constexpr Entry kPredicates[] = {
    {"isdigit", &isdigit}, {"isdecimal", &isdigit},       {"isnumeric", &isnumeric},
    {"isalpha", &isalpha}, {"isalnum", &isalnum},         {"isascii", &isascii},
    {"isspace", &isspace}, {"isupper", &isupper},         {"islower", &islower},
    {"istitle", &istitle}, {"isprintable", &isprintable}, {"isidentifier", &isidentifier}};

}  // namespace

Method find_string_predicate(std::string_view name) {
  for (const Entry& e : kPredicates)
    if (e.name == name) return e.method;
  return nullptr;
}

}  // namespace axl::tokenizer::jinja
