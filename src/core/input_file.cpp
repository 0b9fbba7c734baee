#include "core/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "core/placeholder.hpp"
#include "core/utf8.hpp"

namespace axl {
namespace {

Error unreadable(const std::filesystem::path& path, ErrorCode code, const std::string& reason) {
  return Error(code, "cannot be read: " + reason).at({path.string(), 0, 0, ""});
}

std::string reason_of(const std::filesystem::path& path, int reason) {
  std::error_code failed;
  if (reason == ENOENT && std::filesystem::is_symlink(path, failed))
    return "the symbolic link leads nowhere";
  return std::strerror(reason);
}

/// O_NONBLOCK: opening a pipe does not wait for a writer; it changes nothing for regular files.
int open_at_once(const std::filesystem::path& path, ErrorCode code) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) throw unreadable(path, code, reason_of(path, errno));
  return descriptor;
}

struct stat status_of(int descriptor, const std::filesystem::path& path, ErrorCode code) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw unreadable(path, code, std::strerror(errno));
  return status;
}

/// Some program has the pipe open for writing, or has left something in it. Only a read tells an
/// end from silence (poll() does not, before the first writer); tee() reads without taking.
bool has_writer_or_data(int descriptor) {
  int copy[2];
  if (::pipe2(copy, O_CLOEXEC) != 0) return true;
  const ssize_t taken = ::tee(descriptor, copy[1], 1, SPLICE_F_NONBLOCK);
  for (const int end : copy) ::close(end);
  return taken != 0;
}

std::string read_all(int descriptor, const std::filesystem::path& path, std::uint64_t most,
                     ErrorCode code) {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  std::string text;
  for (std::size_t done = 0; done <= most;) {
    text.resize(done + kPiece);
    const ssize_t n = ::read(descriptor, text.data() + done, kPiece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw unreadable(path, code, std::strerror(errno));
    done += static_cast<std::size_t>(n);
    text.resize(done);
    if (n == 0) return text;
  }
  throw Error(code, "is longer than " + std::to_string(most) + " bytes")
      .at({path.string(), 0, 0, ""});
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path, ErrorCode code)
    : InputFile(open_at_once(path, code)) {
  const struct stat status = status_of(descriptor_, path, code);
  if (!S_ISREG(status.st_mode))
    throw unreadable(path, code, S_ISDIR(status.st_mode) ? "it is a folder" : "not a regular file");
  bytes_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile InputFile::or_pipe(const std::filesystem::path& path, double patience_s) {
  constexpr auto kPause = std::chrono::milliseconds(20);
  InputFile file(open_at_once(path, ErrorCode::input));
  const struct stat status = status_of(file.descriptor_, path, ErrorCode::input);
  if (S_ISDIR(status.st_mode)) throw unreadable(path, ErrorCode::input, "it is a folder");
  if (S_ISREG(status.st_mode)) file.bytes_ = static_cast<std::uint64_t>(status.st_size);
  const auto start = std::chrono::steady_clock::now();
  while (S_ISFIFO(status.st_mode) && !has_writer_or_data(file.descriptor_)) {
    if (std::chrono::steady_clock::now() - start > std::chrono::duration<double>(patience_s))
      throw unreadable(path, ErrorCode::input, "a pipe into which no program writes");
    std::this_thread::sleep_for(kPause);
  }
  if (::fcntl(file.descriptor_, F_SETFL, 0) != 0)
    throw unreadable(path, ErrorCode::input, std::strerror(errno));
  return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), bytes_(other.bytes_) {}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string read_input(const std::filesystem::path& path, std::uint64_t most, ErrorCode code) {
  const InputFile file(path, code);
  std::string text = read_all(file.descriptor(), path, most, code);
  refuse_placeholder(text, text.size(), path, false, code);
  return text;
}

std::string read_text(const std::filesystem::path& path, std::uint64_t most, ErrorCode code) {
  std::string text = read_input(path, most, code);
  require_utf8(text, path.string(), code);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

std::string read_input_or_pipe(const std::filesystem::path& path, std::uint64_t most,
                               double patience_s) {
  const InputFile file = InputFile::or_pipe(path, patience_s);
  std::string text = read_all(file.descriptor(), path, most, ErrorCode::input);
  refuse_placeholder(text, text.size(), path, false, ErrorCode::input);
  return text;
}

std::string read_or_nothing(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool is_there(const std::filesystem::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace axl
