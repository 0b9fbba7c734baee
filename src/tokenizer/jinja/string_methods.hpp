#pragma once
#include <string_view>

#include "tokenizer/jinja/interpreter.hpp"

namespace axl::tokenizer::jinja {

/// Python's str methods; nullptr when there is none of that name.
Method find_string_method(std::string_view name);
/// Those that ask what all characters of a text are: isdigit, isupper, ... (string_predicates.cpp)
Method find_string_predicate(std::string_view name);

}  // namespace axl::tokenizer::jinja
