#include "device/arena.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.hpp"

namespace axl::device {
namespace {

/// Anonymous pages: zeroed by the system, and touched only when used.
void* map_pages(std::int64_t bytes) {
  void* p = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    throw Error(ErrorCode::device,
                "out of memory: cannot reserve " + std::to_string(bytes >> 20) + " MiB")
        .hint(
            "lower micro_batch_size or sequence_len, or set gradient_checkpointing: true; "
            "'axolotl-hpc plan CONFIG' shows where memory goes");
  ::madvise(p, static_cast<std::size_t>(bytes), MADV_HUGEPAGE);
  return p;
}

}  // namespace

Arena::Arena(std::int64_t bytes) : capacity_(std::max<std::int64_t>(bytes, 64)) {
  base_ = static_cast<std::byte*>(map_pages(capacity_));
}

Arena::~Arena() {
  if (base_ != nullptr) ::munmap(base_, static_cast<std::size_t>(capacity_));
}

Arena::Arena(Arena&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      capacity_(other.capacity_),
      used_(other.used_),
      peak_(other.peak_) {}

void* Arena::allocate(std::int64_t bytes) {
  AXL_CHECK(bytes >= 0, "arena: negative size");
  const std::int64_t at = used_;
  used_ += (bytes + 63) / 64 * 64;
  peak_ = std::max(peak_, used_);
  if (capacity_ < 0) return reinterpret_cast<void*>(at + 64);  // planning: never dereferenced
  AXL_CHECK(used_ <= capacity_, "arena: the plan reserved " + std::to_string(capacity_) +
                                    " bytes, the step needs " + std::to_string(used_));
  return base_ + at;
}

Buffer::Buffer(std::int64_t bytes) : bytes_(bytes) {
  if (bytes > 0) data_ = map_pages(bytes);
}

Buffer::~Buffer() {
  if (data_ != nullptr) ::munmap(data_, static_cast<std::size_t>(bytes_));
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace axl::device
