#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>

namespace axl::data {

/// What one thread does with the part of that number.
using PartWorker = std::function<void(std::size_t part)>;

/// Does parts 0 .. count-1, each once, on up to `threads` threads; every thread makes its own
/// worker. `watch` (may be empty) is called from the calling thread ten times a second. When parts
/// fail, the earliest one's error is thrown, so that the message does not depend on timing.
void run_parts(std::size_t count, std::int64_t threads,
               const std::function<PartWorker()>& make_worker, const std::function<void()>& watch);

/// The CPUs this process may use, at least 1.
std::int64_t available_threads();

}  // namespace axl::data
