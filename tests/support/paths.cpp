#include "support/paths.hpp"

#include <cstdlib>

namespace axl::test {

std::string source_dir() { return AXL_SOURCE_DIR; }

std::string oracle_root() {
  const char* set = std::getenv("AXL_ORACLES");
  return set != nullptr && *set != '\0' ? set : source_dir() + "/../shared/oracles";
}

}  // namespace axl::test
