#pragma once
#include <string>

namespace axl::train {

/// Keeps a second run out of an output folder: an advisory lock on the folder itself, which the
/// system releases however the process ends. File systems that know no locks are taken as free.
class OutputLock {
 public:
  OutputLock() = default;
  /// Waits a few seconds, for a run that is just ending; then Error{input}.
  explicit OutputLock(const std::string& folder);
  ~OutputLock();
  OutputLock(OutputLock&& other) noexcept;
  OutputLock& operator=(OutputLock&& other) noexcept;
  OutputLock(const OutputLock&) = delete;
  OutputLock& operator=(const OutputLock&) = delete;

 private:
  int folder_ = -1;
};

}  // namespace axl::train
