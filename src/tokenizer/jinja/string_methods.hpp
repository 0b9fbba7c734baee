#pragma once
#include <string_view>

#include "tokenizer/jinja/interpreter.hpp"

namespace axl::tokenizer::jinja {

/// Python's str methods; nullptr when there is none of that name.
Method find_string_method(std::string_view name);
/// The same of a text that is HTML already (markup_methods.cpp).
Method find_markup_method(std::string_view name);
/// str.format() and str.format_map() (string_format.cpp).
Value str_format(Interpreter&, const Value& self, const Arguments&);
Value str_format_map(Interpreter&, const Value& self, const Arguments&);
/// Those that ask what all characters of a text are: isdigit, isupper, ... (string_predicates.cpp)
Method find_string_predicate(std::string_view name);

}  // namespace axl::tokenizer::jinja
