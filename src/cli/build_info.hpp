#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace axl::cli {

/// What this program was built from and with.
struct BuildInfo {
  std::string_view version;   ///< of axolotl-hpc
  std::string_view commit;    ///< short hash, "+" behind it when the tree had changes; or "unknown"
  std::string_view build;     ///< CMake's build type
  std::string_view arch;      ///< -march
  std::string_view compiler;  ///< name and version
  std::string_view mpi_compiler;
};
BuildInfo build_info();

/// The libraries by name and version: those that tell it, at run time.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace axl::cli
