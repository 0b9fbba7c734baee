#include "hub/names.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace axl::hub {
namespace {

bool matches_from(const std::string& pattern, std::size_t p, const std::string& path,
                  std::size_t s) {
  while (p < pattern.size()) {
    if (pattern[p] == '*') {
      const bool deep = p + 1 < pattern.size() && pattern[p + 1] == '*';
      std::size_t next = p + (deep ? 2 : 1);
      // "**/" also stands for no folder at all.
      if (deep && next < pattern.size() && pattern[next] == '/' &&
          matches_from(pattern, next + 1, path, s))
        return true;
      for (std::size_t end = s; end <= path.size(); ++end) {
        if (matches_from(pattern, next, path, end)) return true;
        if (end < path.size() && path[end] == '/' && !deep) return false;
      }
      return false;
    }
    if (s >= path.size() || (pattern[p] != '?' && pattern[p] != path[s])) return false;
    ++p;
    ++s;
  }
  return s == path.size();
}

}  // namespace

bool is_repository_name(const std::string& name) {
  if (name.empty() || name.size() > 200 || std::count(name.begin(), name.end(), '/') != 1)
    return false;
  if (name.starts_with('.') || name.starts_with('/') || name.ends_with('/') ||
      name.find("..") != std::string::npos || name.find("//") != std::string::npos)
    return false;
  if (!std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c == '/';
      }))
    return false;
  for (const char* suffix : {".json", ".jsonl", ".csv", ".txt", ".parquet", ".arrow", ".gz", ".zst",
                             ".gguf", ".safetensors", ".yaml", ".yml"})
    if (name.ends_with(suffix)) return false;
  std::error_code ignored;
  // data/rows beside a folder data is a path that is mistyped, not a name.
  return !std::filesystem::exists(name, ignored) &&
         !std::filesystem::exists(name.substr(0, name.find('/')), ignored);
}

bool matches(const std::string& pattern, const std::string& path) {
  // A pattern is short; this bounds what a hostile one can cost.
  if (std::count(pattern.begin(), pattern.end(), '*') > 8) return false;
  return matches_from(pattern, 0, path, 0);
}

}  // namespace axl::hub
