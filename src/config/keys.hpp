#pragma once
#include <string>
#include <string_view>

namespace axl::config {

// What the command line asks about the keys of the tables; names are top-level keys.

bool is_known_key(std::string_view name);
/// Takes true or false, so that --name alone means true.
bool is_boolean_key(std::string_view name);
/// The known key nearest to `name`, or "".
std::string nearest_known_key(std::string_view name);

}  // namespace axl::config
