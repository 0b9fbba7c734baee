#pragma once
#include <string>
#include <utility>

namespace axl::hub {

/// Whether `name` could be a repository of the Hub: "org/name" of letters, digits, '.', '-' and
/// '_', and neither that path nor a folder "org" lies on this machine. "@revision" may follow.
bool is_repository_name(const std::string& name);

/// "org/name@revision" as its two parts; the revision is "" when none is named.
std::pair<std::string, std::string> split_revision(const std::string& name);

/// How to get at a place that is not read from directly ("s3://..."), as a hint; "" for a path.
std::string hint_of_remote(const std::string& place);

/// "*" within one folder, "**" across folders, "?" one character, "[a-f]" and "[!a-f]" one of a
/// set.
bool matches(const std::string& pattern, const std::string& path);

}  // namespace axl::hub
