#pragma once
#include <cstdint>
#include <string>

namespace axl::checkpoint {

inline constexpr const char* kManifestFile = "manifest.json";

/// Whether two files have the same bytes, by size and XXH3. Error{checkpoint} naming the
/// unreadable.
bool same_content(const std::string& a, const std::string& b);

/// Writes FOLDER/manifest.json: name, size and XXH3 of every file below FOLDER, and the step.
void write_manifest(const std::string& folder, std::int64_t step);

/// Holds every file of the folder against its manifest and returns the step. Error{checkpoint}
/// says which file is missing, too short or altered.
std::int64_t verify_manifest(const std::string& folder);

}  // namespace axl::checkpoint
