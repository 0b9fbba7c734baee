#include "core/durable_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/error.hpp"

namespace axl {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

[[noreturn]] void fail(const std::string& what, const std::string& path, int reason) {
  throw Error(ErrorCode::io, "cannot " + what + " " + path + ": " + std::strerror(reason));
}

std::string folder_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

DurableFile::DurableFile(const std::string& path) : path_(path), temporary_(path + ".tmp") {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail("create", temporary_, errno);
  buffer_.reserve(kBufferBytes);
}

DurableFile::~DurableFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void DurableFile::write(std::span<const std::byte> bytes) {
  written_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t take = std::min(bytes.size(), kBufferBytes - buffer_.size());
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), take);
    bytes = bytes.subspan(take);
    if (buffer_.size() == kBufferBytes) flush();
  }
}

void DurableFile::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t n = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write", temporary_, errno);
    done += static_cast<std::size_t>(n);
  }
  buffer_.clear();
}

void DurableFile::commit() {
  AXL_CHECK(descriptor_ >= 0, "DurableFile::commit called twice on " + path_);
  flush();
  if (::fsync(descriptor_) != 0) fail("fsync", temporary_, errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail("close", temporary_, errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename to", path_, errno);
  temporary_.clear();
  sync_path(folder_of(path_));
}

void write_durably(const std::string& path, std::string_view text) {
  DurableFile file(path);
  file.write(text);
  file.commit();
}

void copy_durably(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  const std::string temporary = to + ".tmp";
  std::error_code problem, ignored;
  fs::copy_file(from, temporary, fs::copy_options::overwrite_existing, problem);
  if (!problem) {
    sync_path(temporary);
    fs::rename(temporary, to, problem);
  }
  if (problem) {
    fs::remove(temporary, ignored);
    throw Error(ErrorCode::io, "cannot copy " + from + " to " + to + ": " + problem.message());
  }
  sync_path(folder_of(to));
}

ErrorCode code_of_folder(const std::error_code& error) {
  const bool misnamed = error == std::errc::not_a_directory || error == std::errc::file_exists ||
                        error == std::errc::too_many_symbolic_link_levels;
  return misnamed ? ErrorCode::input : ErrorCode::io;
}

void sync_path(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail("open", path, errno);
  const int result = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  // Some file systems have no fsync for folders; their renames are synchronous or cannot be made
  // so.
  if (result != 0 && reason != EINVAL && reason != ENOTSUP) fail("fsync", path, reason);
}

}  // namespace axl
