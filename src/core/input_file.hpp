#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "core/error.hpp"

namespace axl {

/// A file that the user named, open for reading. Only regular files are taken where nothing else is
/// said: a pipe that nobody writes into would make the program wait for ever, a device may never
/// end, a folder reads as empty.
class InputFile {
 public:
  /// Error{`code`} with the path, also for a symbolic link that leads nowhere.
  explicit InputFile(const std::filesystem::path& path, ErrorCode code = ErrorCode::input);
  /// May also be a pipe, as in `axolotl-hpc <(make-config)`. Error{input} when it is a folder, or a
  /// pipe into which no program writes within `patience_s`. What a writer that is there has yet to
  /// say is waited for by read().
  static InputFile or_pipe(const std::filesystem::path& path, double patience_s);
  InputFile(InputFile&& other) noexcept;
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  int descriptor() const { return descriptor_; }
  std::uint64_t bytes() const { return bytes_; }  ///< of a regular file

 private:
  explicit InputFile(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
  std::uint64_t bytes_ = 0;
};

constexpr std::uint64_t kLongestInput = std::uint64_t{1} << 30;

/// A file's whole text; Error{`code`} when it is longer than `most` bytes, or something stands in
/// its place (refuse_placeholder).
std::string read_input(const std::filesystem::path& path, std::uint64_t most = kLongestInput,
                       ErrorCode code = ErrorCode::input);

/// The same for texts, which must be UTF-8 (require_utf8); a byte order mark is left out.
std::string read_text(const std::filesystem::path& path, std::uint64_t most = kLongestInput,
                      ErrorCode code = ErrorCode::input);

/// Something has this name, be it a symbolic link that leads nowhere: an optional file that is
/// there has to be readable, otherwise a run goes on without what the user gave it.
bool is_there(const std::filesystem::path& path);

/// The whole text of a file or pipe; Error{input} when it is longer than `most` bytes.
std::string read_input_or_pipe(const std::filesystem::path& path, std::uint64_t most,
                               double patience_s);

/// A small file's text; "" when there is none or it cannot be read.
std::string read_or_nothing(const std::filesystem::path& path);

}  // namespace axl
