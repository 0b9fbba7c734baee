#include "support/session.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "support/paths.hpp"

namespace axl::test {

namespace {
device::KokkosSession* current = nullptr;
}

device::KokkosSession& session() { return *current; }
void use_session(device::KokkosSession* running) { current = running; }

std::vector<std::string> oracle_cases(const std::string& kind) {
  std::vector<std::string> out;
  std::error_code absent;
  for (const auto& e : std::filesystem::directory_iterator(oracle_root() + "/" + kind, absent))
    if (e.is_directory()) out.push_back(e.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace axl::test
