#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/json.hpp"
#include "support/paths.hpp"

/// The folder of recorded results: $AXL_ORACLES, else shared/oracles beside the project.
namespace axl::oracle {

inline std::filesystem::path folder(const std::string& kind) {
  return std::filesystem::path(test::oracle_root()) / kind;
}

inline nlohmann::ordered_json read_json(const std::filesystem::path& path) {
  std::ifstream in(path);
  return axl::parse_json<nlohmann::ordered_json>(in);
}

}  // namespace axl::oracle
