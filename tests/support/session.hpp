#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "axl/kernels/table.hpp"
#include "device/arena.hpp"
#include "device/session.hpp"
#include "ops/ops.hpp"
#include "support/paths.hpp"

namespace axl::test {

/// The Kokkos session of the test program, made by its main().
device::KokkosSession& session();
/// Called by main() before the tests.
void use_session(device::KokkosSession* running);

/// Kernels, queue and a growing arena for tests.
struct Bench {
  explicit Bench(std::int64_t arena_bytes = 256 << 20)
      : kernels(kernels::make_kernel_table()), arena(arena_bytes) {}
  kernels::KernelTable kernels;
  device::Arena arena;
  ops::Context context() { return {kernels, session().queue(), arena}; }
};

/// Sorted names of the sub-folders of `kind` in the oracle folder; empty when absent.
std::vector<std::string> oracle_cases(const std::string& kind);

}  // namespace axl::test
