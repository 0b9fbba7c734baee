#pragma once
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace axl {

/// What kind of thing went wrong. Callers branch on the code, never on the text.
enum class ErrorCode : std::uint8_t {
  config,  ///< the YAML or the command line
  input,   ///< a file or folder that the user named: missing, truncated, hostile, of the wrong kind
  network,      ///< a server gives no answer
  data,         ///< rows of a dataset
  unsupported,  ///< asked for something that this build does not do
  shape,        ///< tensors that do not fit together
  numeric,      ///< NaN, Inf, loss watchdog
  device,       ///< accelerator or out of memory
  comm,         ///< MPI or NCCL
  io,           ///< the system refused to read or write (disk full, permission)
  checkpoint,   ///< a checkpoint that cannot be resumed from
  internal      ///< a broken invariant of ours
};

/// Exit codes of the program (docs/configuration.md): scripts rely on them.
enum ExitCode : int { kExitDone = 0, kExitFailed = 1, kExitBadInput = 2, kExitStopped = 75 };

/// A place in the user's own file; line and column are 1-based, 0 = unknown.
struct UserLocation {
  std::string file;
  int line = 0;
  int column = 0;
  std::string key;
};

/// "file:line:column: key: " as far as known; empty when nothing is.
std::string to_string(const UserLocation& where);

/// The one exception type. Rendered once, at the top of the program:
///   configs/lora.yaml:14:12: lora_r: must be a positive integer, got 'eight'
///     hint: typical values: 8, 16, 64
class Error final : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {
    render();
  }
  Error&& at(UserLocation where) && {
    where_ = std::move(where);
    render();
    return std::move(*this);
  }
  Error&& hint(std::string text) && {
    hint_ = std::move(text);
    render();
    return std::move(*this);
  }
  /// Every rank of the job throws this same error: one of them speaks for all.
  Error&& agreed() && {
    agreed_ = true;
    return std::move(*this);
  }
  Error&& rank(int r) && {
    rank_ = r;
    render();
    return std::move(*this);
  }
  const char* what() const noexcept override { return text_.c_str(); }
  ErrorCode code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& hint() const noexcept { return hint_; }
  const UserLocation& where() const noexcept { return where_; }
  bool is_agreed() const noexcept { return agreed_; }
  /// The rank named by rank(); -1 when the error is not one rank's.
  int failing_rank() const noexcept { return rank_; }
  /// 2 for what the user can mend in his input, 1 for everything that failed while running.
  int exit_code() const noexcept;

 private:
  void render();
  ErrorCode code_;
  std::string message_;
  UserLocation where_;
  std::string hint_;
  int rank_ = -1;
  bool agreed_ = false;
  std::string text_;
};

/// Throws Error{internal}; on in every build type.
#define AXL_CHECK(condition, message)                                            \
  do {                                                                           \
    if (!(condition)) throw ::axl::Error(::axl::ErrorCode::internal, (message)); \
  } while (false)

}  // namespace axl
