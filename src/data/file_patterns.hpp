#pragma once
#include <string>
#include <vector>

#include "core/error.hpp"

namespace axl::data {

/// What was found in a folder, or by a pattern.
struct FolderFiles {
  std::vector<std::string> files;    ///< sorted
  std::vector<std::string> skipped;  ///< there, but no data; a folder ends in '/'
};

/// The files below a folder, relative to it. What Hugging Face's library passes over is skipped:
/// hidden files and folders and folders that begin with "__"; so is what editors leave behind.
/// Error{input} when it cannot be listed, Error{data} at `where` for more than 100,000 files.
FolderFiles list_folder(const std::string& folder, const UserLocation& where);

/// Whether a path has one of the characters *, ? and [.
bool is_pattern(const std::string& path);

/// The files that a pattern matches: "*" within one folder, "**" across folders. What no data set
/// means by a pattern is skipped unless the pattern names it: hidden files, README.md,
/// config.json and the like. Error{input} or Error{data} as list_folder.
FolderFiles match_files(const std::string& pattern);

/// Whether Hugging Face's library keeps facts about a data set in files of this name, not rows.
bool is_about_data(const std::string& name);

/// Names what is not read, so that nobody waits for rows of it.
void tell_skipped(const std::string& place, std::vector<std::string> skipped);

}  // namespace axl::data
