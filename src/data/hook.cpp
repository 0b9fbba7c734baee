#include "data/hook.hpp"

#include <fcntl.h>
#include <signal.h>
#include <simdjson.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "core/error.hpp"
#include "core/json.hpp"

namespace axl::data {
namespace {

/// One row as a line: pretty-printed objects are made compact, lines of text become objects.
void append_line(const SourceFile& file, const RowRef& ref, std::string& out) {
  const std::string_view text = file.bytes().substr(ref.offset, ref.length);
  if (file.kind == FileKind::text) {
    out += json_text(nlohmann::json{{"text", text}});
  } else if (text.find('\n') == std::string_view::npos) {
    out += text;
  } else {
    std::string compact(text.size() + simdjson::SIMDJSON_PADDING, '\0');
    std::size_t length = 0;
    if (simdjson::minify(text.data(), text.size(), compact.data(), length) != simdjson::SUCCESS)
      return;  // a broken row: nothing to hand over
    out.append(compact, 0, length);
  }
  out += '\n';
}

/// False when the reader has gone.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void feed(int fd, const std::vector<SourceFile>& files, const std::vector<RowRef>& rows) {
  // A program that ends early must not end ours.
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  std::string buffer;
  bool open = true;
  for (const RowRef& row : rows) {
    append_line(files[row.file], row, buffer);
    if (buffer.size() < (1U << 16)) continue;
    open = write_all(fd, buffer);
    buffer.clear();
    if (!open) break;
  }
  if (open) write_all(fd, buffer);
  ::close(fd);
}

}  // namespace

SourceFile run_hook(const config::DatasetConfig& dataset, const std::vector<SourceFile>& files,
                    const std::vector<RowRef>& rows) {
  const std::string& command = dataset.preprocess_command;
  auto spool = std::make_unique<Spool>();  // what can fail comes before there is a thread to join
  std::array<int, 2> in{}, out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
    throw Error(ErrorCode::io, std::string("cannot make a pipe: ") + std::strerror(errno));
  const pid_t child = ::fork();
  if (child < 0)
    throw Error(ErrorCode::io, std::string("cannot start a process: ") + std::strerror(errno));
  if (child == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  std::thread writer([&] { feed(in[1], files, rows); });

  std::array<char, 1 << 16> buffer;
  std::exception_ptr failure;
  for (;;) {
    const ssize_t n = ::read(out[0], buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    try {
      if (!failure) spool->append({buffer.data(), static_cast<std::size_t>(n)});
    } catch (...) {
      failure = std::current_exception();  // read on, so that the program can end
    }
  }
  ::close(out[0]);
  writer.join();
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (failure) std::rethrow_exception(failure);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Error(
        ErrorCode::data,
        "preprocess_command '" + command + "' " +
            (WIFEXITED(status) ? "ended with exit code " + std::to_string(WEXITSTATUS(status))
                               : "was killed by signal " + std::to_string(WTERMSIG(status))))
        .at(dataset.where)
        .hint("it gets the rows as JSON lines on standard input and writes those to use");
  spool->finish();
  SourceFile mapped;
  mapped.path = dataset.path + " through " + command;
  mapped.kind = FileKind::jsonl;
  mapped.decoded = std::move(spool);
  return mapped;
}

}  // namespace axl::data
