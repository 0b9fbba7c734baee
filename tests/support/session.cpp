#include "support/session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace axl::test {

namespace {
device::KokkosSession* current = nullptr;
}

device::KokkosSession& session() { return *current; }

std::string oracle_folder() {
  if (const char* folder = std::getenv("AXL_ORACLES")) return folder;
  return std::string(AXL_SOURCE_DIR) + "/../shared/oracles";
}

std::vector<std::string> oracle_cases(const std::string& kind) {
  std::vector<std::string> out;
  std::error_code absent;
  for (const auto& e : std::filesystem::directory_iterator(oracle_folder() + "/" + kind, absent))
    if (e.is_directory()) out.push_back(e.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace axl::test

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const char* threads = std::getenv("OMP_NUM_THREADS");
  axl::device::KokkosSession session(threads != nullptr ? std::atoi(threads) : 2);
  axl::test::current = &session;
  return RUN_ALL_TESTS();
}
