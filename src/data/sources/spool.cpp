#include "data/sources/spool.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "core/error.hpp"

namespace axl::data {
namespace {

std::string temporary_folder() {
  std::error_code failed;
  const auto folder = std::filesystem::temp_directory_path(failed);
  return failed ? "/tmp" : folder.string();
}

}  // namespace

Spool::Spool(std::size_t memory_limit) : limit_(memory_limit) {}

Spool::~Spool() {
  if (file_ >= 0) ::close(file_);
}

void Spool::append(std::string_view text) {
  buffer_.append(text);
  if (buffer_.size() >= limit_) flush();
}

void Spool::flush() {
  if (file_ < 0) {
    std::string name = temporary_folder() + "/axolotl-rows-XXXXXX";
    file_ = ::mkstemp(name.data());
    if (file_ < 0)
      throw Error(ErrorCode::io, "cannot create " + name + ": " + std::strerror(errno))
          .hint("rows that are unpacked or converted go to $TMPDIR");
    ::unlink(name.c_str());
  }
  for (std::size_t done = 0; done < buffer_.size();) {
    const ssize_t n = ::write(file_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      throw Error(ErrorCode::io, "cannot write unpacked rows to " + temporary_folder() + ": " +
                                     std::strerror(errno))
          .hint("set TMPDIR to a folder with more room");
    done += static_cast<std::size_t>(n);
  }
  buffer_.clear();
}

std::string_view Spool::finish() {
  if (file_ < 0) {
    view_ = buffer_;
    return view_;
  }
  flush();
  buffer_.shrink_to_fit();
  map_ = std::make_unique<weights::MappedFile>("/proc/self/fd/" + std::to_string(file_));
  view_ = {reinterpret_cast<const char*>(map_->bytes().data()), map_->bytes().size()};
  return view_;
}

}  // namespace axl::data
