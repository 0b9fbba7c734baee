#pragma once
#include <string>

namespace axl::hub {

/// Whether `name` could be a repository of the Hub: "org/name" of letters, digits, '.', '-' and
/// '_', and neither that path nor a folder "org" lies on this machine.
bool is_repository_name(const std::string& name);

/// "*" within one folder, "**" across folders, "?" one character.
bool matches(const std::string& pattern, const std::string& path);

}  // namespace axl::hub
