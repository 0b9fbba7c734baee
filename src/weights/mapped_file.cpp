#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/placeholder.hpp"
#include "weights/weight_file.hpp"

namespace axl::weights {

MappedFile::MappedFile(const std::string& path, bool text) : path_(path) {
  const InputFile file(path);
  if (file.bytes() == 0)
    throw Error(ErrorCode::input, "cannot map " + path + ": the file is empty");
  // Shared and read-only: all ranks of a node use the same pages of the page cache.
  void* data = ::mmap(nullptr, file.bytes(), PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (data == MAP_FAILED)
    throw Error(ErrorCode::input, "cannot map " + path + ": " + std::strerror(errno));
  data_ = static_cast<const std::byte*>(data);
  size_ = file.bytes();
  const std::string_view head{static_cast<const char*>(data), std::min(size_, kPlaceholderHead)};
  try {
    refuse_placeholder(head, size_, path, text, ErrorCode::input);
  } catch (...) {
    ::munmap(data, size_);
    throw;
  }
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace axl::weights
