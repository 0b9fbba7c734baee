#pragma once
#include <string_view>

#include "tokenizer/jinja/interpreter.hpp"

namespace axl::tokenizer::jinja {

/// Python's str methods; nullptr when there is none of that name.
Method find_string_method(std::string_view name);

}  // namespace axl::tokenizer::jinja
