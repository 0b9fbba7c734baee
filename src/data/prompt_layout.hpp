#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace axl::data {

/// What Python's layout.format(name=value, ...) makes of texts: {name}, with a conversion and a
/// format specification ({input!r:>5}) and an index ({input[0]}); "{{" and "}}" are braces.
/// RowError says what format() refuses.
std::string fill(std::string_view layout,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> values);

/// Why fill() refuses a layout whatever the values are, or "".
std::string layout_problem(std::string_view layout, std::initializer_list<std::string_view> names);

}  // namespace axl::data
