#pragma once
#include <chrono>
#include <cstdint>
#include <string_view>

namespace axl::cli {

/// A line on standard error, redrawn in place, for commands that move much data; silent when
/// standard error is no terminal.
class TransferProgress {
 public:
  TransferProgress();
  void show(std::string_view phase, std::int64_t done_bytes, std::int64_t total_bytes);
  void clear();

 private:
  bool terminal_ = false;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace axl::cli
