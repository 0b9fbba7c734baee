#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "core/error.hpp"

namespace axl {

/// A file that is either there in full or not at all: bytes go to "PATH.tmp", commit() fsyncs it,
/// renames it to PATH and fsyncs the folder. Without commit() the destructor removes the temporary
/// file and PATH stays as it was. Failures are Error{io} with the path and the system's reason.
class DurableFile {
 public:
  explicit DurableFile(const std::string& path);
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  std::size_t bytes_written() const { return written_; }
  void commit();

 private:
  void flush();
  std::string path_;
  std::string temporary_;
  std::string buffer_;
  std::size_t written_ = 0;
  int descriptor_ = -1;
};

/// Whole file at once.
void write_durably(const std::string& path, std::string_view text);

/// Copies a file onto `to` the same way: in full, or `to` stays as it was.
void copy_durably(const std::string& from, const std::string& to);

/// Whose fault it is that a folder cannot be made: the user's where a file is in its way (input),
/// else the system's (io).
ErrorCode code_of_folder(const std::error_code& error);

/// fsync of a file or folder that somebody else wrote.
void sync_path(const std::string& path);

}  // namespace axl
