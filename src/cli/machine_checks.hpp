#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace axl::cli {

/// One thing that `doctor` looked at.
struct Check {
  enum class Verdict : std::uint8_t { good, advice, bad };
  std::string name;
  std::string value;  ///< what was found
  Verdict verdict = Verdict::good;
  std::string hint;  ///< how to mend it; empty when good
};

/// Looks at this process and this node; starts neither MPI nor Kokkos. `scratch` is a folder that a
/// file of 64 MB is written to and removed from.
std::vector<Check> check_machine(const std::string& scratch);

/// The processor list of a mask as "0-3,8" (exposed for its test).
std::string cpu_list(const std::vector<int>& cpus);

}  // namespace axl::cli
