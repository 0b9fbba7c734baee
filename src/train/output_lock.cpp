#include "train/output_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "core/error.hpp"

namespace axl::train {

OutputLock::OutputLock(const std::string& folder)
    : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  constexpr auto kPatience = std::chrono::seconds(5);
  const auto start = std::chrono::steady_clock::now();
  while (folder_ >= 0 && ::flock(folder_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return;
    if (std::chrono::steady_clock::now() - start > kPatience)
      throw Error(ErrorCode::input, "another run is writing into '" + folder + "'")
          .hint("wait for its end, or give this one a folder of its own");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

OutputLock::~OutputLock() {
  if (folder_ >= 0) ::close(folder_);
}

OutputLock::OutputLock(OutputLock&& other) noexcept : folder_(std::exchange(other.folder_, -1)) {}

OutputLock& OutputLock::operator=(OutputLock&& other) noexcept {
  std::swap(folder_, other.folder_);
  return *this;
}

}  // namespace axl::train
