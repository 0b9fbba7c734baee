#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

/// The folder of recorded results: $AXL_ORACLES, else shared/oracles beside the project.
namespace axl::oracle {

inline std::filesystem::path folder(const std::string& kind) {
  const char* named = std::getenv("AXL_ORACLES");
  const std::filesystem::path root =
      named != nullptr && *named != '\0'
          ? std::filesystem::path(named)
          : std::filesystem::path(AXL_SOURCE_DIR) / "../shared/oracles";
  return root / kind;
}

inline nlohmann::ordered_json read_json(const std::filesystem::path& path) {
  std::ifstream in(path);
  return nlohmann::ordered_json::parse(in);
}

}  // namespace axl::oracle
