#pragma once
#include <string_view>

#include "tokenizer/jinja/ast.hpp"

namespace axl::tokenizer::jinja {

/// Error{input} with line and column on a syntax error or a tag that is not supported.
Body parse(std::string_view source);

}  // namespace axl::tokenizer::jinja
