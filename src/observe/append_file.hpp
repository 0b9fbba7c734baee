#pragma once
#include <string>
#include <string_view>

namespace axl::observe {

/// A file that grows at its end. Failures are Error{io} with the path and the system's reason.
class AppendFile {
 public:
  explicit AppendFile(const std::string& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  /// Handed to the system before it returns, so that a killed run loses nothing written so far.
  void write(std::string_view bytes);
  /// On the disk when it returns.
  void sync();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int descriptor_ = -1;
};

/// Makes the folder and those above it; Error{io}.
void make_folder(const std::string& path);

}  // namespace axl::observe
