#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/log.hpp"
#include "parallel/comm.hpp"

namespace axl::parallel {

void collectively(const Comm& comm, const std::function<void()>& body) {
  int code = -1;
  UserLocation where;
  std::string message, hint;
  try {
    body();
  } catch (const Error& e) {
    code = static_cast<int>(e.code());
    message = e.message();
    hint = e.hint();
    where = e.where();
  } catch (const std::exception& e) {
    code = static_cast<int>(ErrorCode::internal);
    message = e.what();
  }
  constexpr std::int64_t kFine = 1 << 30;
  const std::int64_t first =
      -comm.max(code >= 0 ? -std::int64_t{comm.rank()} : -kFine);  // lowest failing rank
  if (first == kFine) return;
  const int root = static_cast<int>(first);
  std::int64_t numbers[3] = {code, where.line, where.column};
  comm.broadcast(numbers, sizeof numbers, root);
  message = comm.broadcast(message, root);
  hint = comm.broadcast(hint, root);
  where.file = comm.broadcast(where.file, root);
  where.key = comm.broadcast(where.key, root);
  where.line = static_cast<int>(numbers[1]);
  where.column = static_cast<int>(numbers[2]);
  Error error = Error(static_cast<ErrorCode>(numbers[0]), message).agreed();
  // These change `error` itself; assigning their result to it would move it onto itself.
  if (!where.file.empty() || !where.key.empty()) static_cast<void>(std::move(error).at(where));
  if (!hint.empty()) static_cast<void>(std::move(error).hint(hint));
  if (comm.size() > 1 && root > 0) static_cast<void>(std::move(error).rank(root));
  throw error;
}

namespace {
/// Anonymous shared memory: lives while a rank maps it, leaves nothing behind after a crash.
int create_memory_file(std::int64_t bytes) {
  const int fd = ::memfd_create("axolotl-hpc weights", MFD_CLOEXEC);
  if (fd < 0 || ::ftruncate(fd, bytes) != 0)
    throw Error(ErrorCode::device, "cannot reserve " + std::to_string(bytes >> 20) +
                                       " MiB of shared memory: " + std::strerror(errno));
  return fd;
}
}  // namespace

void* NodeShared::allocate(std::int64_t bytes) {
  bytes = std::max<std::int64_t>(bytes, 64);
  if (node_.size() == 1) {
    void* p = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
      throw Error(ErrorCode::device, "out of memory: cannot reserve " +
                                         std::to_string(bytes >> 20) + " MiB for the weights");
    ::madvise(p, static_cast<std::size_t>(bytes), MADV_HUGEPAGE);
    mappings_.push_back({p, bytes});
    return p;
  }
  // The writer's descriptor is opened by the others through /proc: same user, same node.
  int fd = -1;
  std::int64_t owner[2] = {0, 0};
  collectively(node_, [&] {
    if (!writer()) return;
    fd = create_memory_file(bytes);
    owner[0] = ::getpid();
    owner[1] = fd;
  });
  node_.broadcast(owner, sizeof owner, 0);
  void* p = MAP_FAILED;
  collectively(node_, [&] {
    if (!writer()) {
      const std::string path =
          "/proc/" + std::to_string(owner[0]) + "/fd/" + std::to_string(owner[1]);
      fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
      if (fd < 0)
        throw Error(ErrorCode::device,
                    "cannot open the node's shared weights: " + std::string(std::strerror(errno)));
    }
    p = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
      throw Error(ErrorCode::device, "out of memory: cannot map " + std::to_string(bytes >> 20) +
                                         " MiB of shared weights");
  });
  ::close(fd);
  mappings_.push_back({p, bytes});
  return p;
}

NodeShared::~NodeShared() {
  for (const Mapping& m : mappings_) ::munmap(m.data, static_cast<std::size_t>(m.bytes));
}

}  // namespace axl::parallel
