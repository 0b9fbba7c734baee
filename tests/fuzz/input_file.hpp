#pragma once
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

/// A folder of this process for targets that read files; in memory where the system has such a
/// place.
inline const std::filesystem::path& input_folder() {
  namespace fs = std::filesystem;
  struct Folder {
    fs::path path;
    Folder() {
      const fs::path root = fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
      path = root / ("axl-fuzz-" + std::to_string(::getpid()));
      fs::create_directories(path);
    }
    ~Folder() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  };
  static const Folder folder;
  return folder.path;
}

/// Writes the input under that name, in the place of what was there; returns its path.
inline std::string write_input(const char* name, std::string_view bytes) {
  const std::string path = (input_folder() / name).string();
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return path;
}
