#include "hub/names.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <vector>

namespace axl::hub {
namespace {

/// The ']' of a set that begins at `p`; npos when none does. "[]" holds a ']' itself.
std::size_t end_of_set(const std::string& pattern, std::size_t p) {
  if (pattern[p] != '[') return std::string::npos;
  std::size_t first = p + 1;
  if (first < pattern.size() && pattern[first] == '!') ++first;
  return pattern.find(']', first + 1);
}

/// Whether `c` is in the set between `first` and the ']' at `end`.
bool in_set(const std::string& pattern, std::size_t first, std::size_t end, char c) {
  const bool inverted = pattern[first] == '!';
  bool found = false;
  for (std::size_t i = first + (inverted ? 1 : 0); i < end; ++i) {
    if (i + 2 < end && pattern[i + 1] == '-') {
      found = found || (pattern[i] <= c && c <= pattern[i + 2]);
      i += 2;
    } else {
      found = found || pattern[i] == c;
    }
  }
  return found != inverted;
}

/// Tries every end of a '*', but no place twice: the pattern of a stranger's card costs no more
/// than its length times that of the path for each of its characters.
class Matcher {
 public:
  Matcher(const std::string& pattern, const std::string& path)
      : pattern_(pattern), path_(path), failed_((pattern.size() + 1) * (path.size() + 1)) {}

  bool from(std::size_t p, std::size_t s) {
    const std::size_t place = p * (path_.size() + 1) + s;
    if (failed_[place]) return false;
    const bool found = try_from(p, s);
    failed_[place] = !found;
    return found;
  }

 private:
  bool try_from(std::size_t p, std::size_t s) {
    while (p < pattern_.size()) {
      if (pattern_[p] == '*') {
        const bool deep = p + 1 < pattern_.size() && pattern_[p + 1] == '*';
        const std::size_t next = p + (deep ? 2 : 1);
        // "**/" also stands for no folder at all.
        if (deep && next < pattern_.size() && pattern_[next] == '/' && from(next + 1, s))
          return true;
        for (std::size_t end = s; end <= path_.size(); ++end) {
          if (from(next, end)) return true;
          if (end < path_.size() && path_[end] == '/' && !deep) return false;
        }
        return false;
      }
      if (s >= path_.size()) return false;
      if (const std::size_t end = end_of_set(pattern_, p); end != std::string::npos) {
        if (path_[s] == '/' || !in_set(pattern_, p + 1, end, path_[s])) return false;
        p = end;
      } else if (pattern_[p] == '?' ? path_[s] == '/' : pattern_[p] != path_[s]) {
        return false;
      }
      ++p;
      ++s;
    }
    return s == path_.size();
  }

  const std::string& pattern_;
  const std::string& path_;
  std::vector<bool> failed_;
};

}  // namespace

std::pair<std::string, std::string> split_revision(const std::string& name) {
  const std::size_t at = name.find('@');
  if (at == std::string::npos) return {name, ""};
  return {name.substr(0, at), name.substr(at + 1)};
}

bool is_repository_name(const std::string& given) {
  const auto [name, revision] = split_revision(given);
  if (given.ends_with('@') || revision.find_first_of("@?#\\ ") != std::string::npos ||
      revision.find("..") != std::string::npos)
    return false;
  if (name.empty() || name.size() > 200 || std::count(name.begin(), name.end(), '/') != 1)
    return false;
  if (name.starts_with('.') || name.starts_with('/') || name.ends_with('/') ||
      name.find("..") != std::string::npos || name.find("//") != std::string::npos)
    return false;
  if (!std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c == '/';
      }))
    return false;
  for (const char* suffix : {".json", ".jsonl", ".csv", ".tsv", ".txt", ".parquet", ".arrow", ".gz",
                             ".zst", ".gguf", ".safetensors", ".yaml", ".yml"})
    if (name.ends_with(suffix)) return false;
  std::error_code ignored;
  // data/rows beside a folder data is a path that is mistyped, not a name.
  return !std::filesystem::exists(given, ignored) && !std::filesystem::exists(name, ignored) &&
         !std::filesystem::exists(name.substr(0, name.find('/')), ignored);
}

std::string hint_of_remote(const std::string& place) {
  const std::size_t end = place.find("://");
  if (end == std::string::npos) return "";
  const std::string scheme = place.substr(0, end);
  const auto copied_by = [&](const std::string& command) {
    return "nothing reads " + scheme + ":// here: copy it (" + command + " " + place +
           " data/) or mount it, and give that path";
  };
  if (scheme == "s3" || scheme == "s3a") return copied_by("aws s3 cp --recursive");
  if (scheme == "gs" || scheme == "gcs") return copied_by("gcloud storage cp --recursive");
  if (scheme == "az" || scheme == "abfs" || scheme == "adl" || scheme == "abfss")
    return copied_by("azcopy copy --recursive");
  if (scheme == "oci") return copied_by("oci os object bulk-download");
  if (scheme == "hf") return "a data set of the Hub is named org/name, its files by data_files";
  return "only https:// and http:// are downloaded: fetch it first and give its path";
}

bool matches(const std::string& pattern, const std::string& path) {
  constexpr std::size_t kLongest = 4096;  // as of a path
  return pattern.size() <= kLongest && Matcher(pattern, path).from(0, 0);
}

}  // namespace axl::hub
