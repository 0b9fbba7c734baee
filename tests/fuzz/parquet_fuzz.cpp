// Parquet and Arrow files of any content (a build with AXL_ENABLE_ARROW). The first byte chooses.
#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

#include "core/error.hpp"
#include "data/sources/decode.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("axl-fuzz-" + std::to_string(::getpid())))
          .string();
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (!file) std::abort();
  std::fwrite(data + 1, 1, size - 1, file);
  std::fclose(file);
  try {
    const axl::data::TextSource rows =
        data[0] % 2 == 0 ? axl::data::open_parquet(path) : axl::data::open_arrow(path);
    std::size_t pieces = 0;
    for (std::string text; pieces < 100 && rows(text);) ++pieces;
  } catch (const axl::Error&) {
  }
  return 0;
}
