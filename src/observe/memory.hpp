#pragma once
#include <cstdint>

namespace axl::observe {

/// Resident memory of this process in bytes, shared pages of memory-mapped files included; 0 where
/// the system does not say (no /proc).
std::int64_t resident_bytes();
/// The largest that it has been since the program started.
std::int64_t peak_resident_bytes();

}  // namespace axl::observe
