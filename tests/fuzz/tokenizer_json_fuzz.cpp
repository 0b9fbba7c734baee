// tokenizer.json from untrusted bytes: it is refused with an Error, or it encodes, decodes and can
// be saved and read again. The part of the input behind a line "=====" is the text that is encoded.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "tokenizer/tokenizer.hpp"
#include "tokenizer/unicode.hpp"

namespace {

namespace fs = std::filesystem;
using axl::tokenizer::Tokenizer;

/// One folder a process; files in memory where the system has such a place.
const fs::path& folder() {
  static const fs::path path = [] {
    const fs::path root = fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    const fs::path own = root / ("axl-fuzz-" + std::to_string(::getpid()));
    fs::create_directories(own);
    return own;
  }();
  return path;
}

struct Cleaner {
  ~Cleaner() {
    std::error_code ignored;
    fs::remove_all(folder(), ignored);
  }
} cleaner;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kMark = "\n=====\n";
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find(kMark);
  const std::string_view json = input.substr(0, cut);
  const std::string_view text = cut == std::string_view::npos ? "a b\xC3\xA9 \xF0\x9F\x99\x82  1"
                                                              : input.substr(cut + kMark.size());
  const std::string file = (folder() / "tokenizer.json").string();
  std::ofstream(file, std::ios::binary)
      .write(json.data(), static_cast<std::streamsize>(json.size()));
  try {
    const Tokenizer t = Tokenizer::load(file);
    const auto ids = t.encode(text, true);
    for (const auto id : ids)
      if (id < 0) __builtin_trap();
    const std::string decoded = t.decode(ids, false);
    (void)t.decode(ids, true);
    const std::string copy = (folder() / "copy").string();
    t.save(copy);
    if (Tokenizer::load(copy).encode(text, true) != ids) __builtin_trap();
  } catch (const axl::Error&) {
  }
  return 0;
}
