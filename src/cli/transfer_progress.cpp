#include "cli/transfer_progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace axl::cli {

TransferProgress::TransferProgress() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void TransferProgress::show(std::string_view phase, std::int64_t done_bytes,
                            std::int64_t total_bytes) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  const double share =
      total_bytes > 0 ? static_cast<double>(done_bytes) / static_cast<double>(total_bytes) : 1.0;
  fmt::print(stderr, "\r{:<8} {:3.0f} %  {:.0f} of {:.0f} MB", phase, 100.0 * share,
             static_cast<double>(done_bytes) / 1e6, static_cast<double>(total_bytes) / 1e6);
  std::fflush(stderr);
}

void TransferProgress::clear() {
  if (drawn_) fmt::print(stderr, "\r{:60}\r", "");
  drawn_ = false;
}

}  // namespace axl::cli
