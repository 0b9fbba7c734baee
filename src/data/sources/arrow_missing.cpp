#include "core/error.hpp"
#include "data/sources/decode.hpp"

// In place of arrow.cpp in a build without the Arrow library.

namespace axl::data {
namespace {

[[noreturn]] void refuse(const std::string& path) {
  throw Error(ErrorCode::unsupported, "cannot read " + path + ": this build has no Arrow library")
      .hint(
          "build with -DAXL_ENABLE_ARROW=ON (an installed Arrow, or -DAXL_PYARROW=FOLDER with the "
          "folder of the Python package pyarrow), or convert the file to .jsonl");
}

}  // namespace

bool has_arrow() { return false; }
TextSource open_parquet(const std::string& path) { refuse(path); }
TextSource open_arrow(const std::string& path) { refuse(path); }

}  // namespace axl::data
