#include "data/file_patterns.hpp"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string_view>

#include "core/log.hpp"
#include "hub/names.hpp"

namespace axl::data {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostFiles = 100000;
constexpr int kDeepestFolder = 16;

bool is_hidden_folder(const std::string& name) {
  return name.starts_with(".") || name.starts_with("__");
}

/// Also what editors leave beside a file.
bool is_hidden_file(const std::string& name) {
  return name.starts_with(".") || name.ends_with("~") ||
         (name.starts_with("#") && name.ends_with("#"));
}

FolderFiles walk(const std::string& folder, const UserLocation& where, bool hidden_too) {
  FolderFiles out;
  std::error_code failed;
  for (fs::recursive_directory_iterator it(folder, failed), end; !failed && it != end;
       it.increment(failed)) {
    const std::string name = it->path().filename().string();
    const std::string path = it->path().lexically_relative(folder).string();
    if (it->is_directory(failed)) {
      const bool hidden = !hidden_too && is_hidden_folder(name);
      if (!hidden && it.depth() < kDeepestFolder) continue;
      it.disable_recursion_pending();
      out.skipped.push_back(path + "/");
      continue;
    }
    if (!it->is_regular_file(failed)) continue;
    (!hidden_too && is_hidden_file(name) ? out.skipped : out.files).push_back(path);
    if (out.files.size() > kMostFiles)
      throw Error(ErrorCode::data,
                  folder + " has more than " + std::to_string(kMostFiles) + " files")
          .at(where)
          .hint("name the files in data_files, a pattern is enough");
  }
  if (failed)
    throw Error(ErrorCode::input, "cannot list " + folder + ": " + failed.message()).at(where);
  std::sort(out.files.begin(), out.files.end());
  return out;
}

std::vector<std::string> shell_matches(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> out;
  if (::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found) == 0)
    out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return out;  // glob() sorts
}

/// The shell has no "**": the part before it says which folders are walked.
std::vector<std::string> deep_matches(const std::string& pattern) {
  fs::path base, rest;
  for (const fs::path& part : fs::path(pattern)) {
    if (rest.empty() && part.string().find("**") == std::string::npos)
      base /= part;
    else
      rest /= part;
  }
  bool names_hidden = false;
  for (const fs::path& part : rest)
    names_hidden = names_hidden || is_hidden_folder(part.string()) || part.string().ends_with("~");
  std::vector<std::string> out;
  for (const std::string& folder : shell_matches(base.empty() ? "." : base.string())) {
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) continue;
    for (const std::string& file : walk(folder, {}, names_hidden).files)
      if (hub::matches(rest.string(), file))
        out.push_back(base.empty() ? file : (fs::path(folder) / file).string());
  }
  return out;
}

}  // namespace

FolderFiles list_folder(const std::string& folder, const UserLocation& where) {
  return walk(folder, where, false);
}

bool is_pattern(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

FolderFiles match_files(const std::string& pattern) {
  FolderFiles out;
  const std::string last = fs::path(pattern).filename().string();
  for (std::string& path :
       pattern.find("**") == std::string::npos ? shell_matches(pattern) : deep_matches(pattern)) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) continue;
    const std::string name = fs::path(path).filename().string();
    const bool no_data = is_about_data(name) || (is_hidden_file(name) && !name.starts_with("."));
    const bool named = last == name || (name.ends_with("~") && last.ends_with("~"));
    (no_data && !named ? out.skipped : out.files).push_back(std::move(path));
  }
  return out;
}

bool is_about_data(const std::string& name) {
  static constexpr std::string_view kNames[] = {
      "README.md",         "config.json", "dataset_info.json", "dataset_infos.json",
      "dataset_dict.json", "state.json",  "dummy_data.zip"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

void tell_skipped(const std::string& place, std::vector<std::string> skipped) {
  constexpr std::size_t kShown = 8;
  if (skipped.empty()) return;
  std::sort(skipped.begin(), skipped.end());
  std::string names;
  for (std::size_t i = 0; i < std::min(kShown, skipped.size()); ++i)
    names += (i > 0 ? ", " : "") + skipped[i];
  if (skipped.size() > kShown) names += ", ... (" + std::to_string(skipped.size()) + " in all)";
  log::info("{}: not read as rows of this split: {}", place, names);
}

}  // namespace axl::data
