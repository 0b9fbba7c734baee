// Parquet and Arrow files of any content (a build with AXL_ENABLE_ARROW). The first byte chooses.
#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "data/sources/decode.hpp"
#include "input_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string path = write_input("rows", {reinterpret_cast<const char*>(data) + 1, size - 1});
  try {
    const axl::data::TextSource rows =
        data[0] % 2 == 0 ? axl::data::open_parquet(path) : axl::data::open_arrow(path);
    std::size_t pieces = 0;
    for (std::string text; pieces < 100 && rows(text);) ++pieces;
  } catch (const axl::Error&) {
  }
  return 0;
}
