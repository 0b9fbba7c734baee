#include <zstd.h>

#include <memory>
#include <vector>

#include "core/error.hpp"
#include "data/sources/decode.hpp"

namespace axl::data {

void decode_zstd(std::string_view bytes, const std::string& path, const TextSink& out) {
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ::ZSTD_freeDStream(stream); }
  };
  const std::unique_ptr<ZSTD_DStream, Free> stream(::ZSTD_createDStream());
  AXL_CHECK(stream != nullptr, "zstd could not be started");
  std::vector<char> buffer(::ZSTD_DStreamOutSize());
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::size_t missing = 0;
  bool full = false;
  while (in.pos < in.size || full) {
    ZSTD_outBuffer piece{buffer.data(), buffer.size(), 0};
    missing = ::ZSTD_decompressStream(stream.get(), &piece, &in);
    if (::ZSTD_isError(missing))
      throw Error(ErrorCode::input,
                  path + " is not a whole zstd file: " + ::ZSTD_getErrorName(missing));
    out({buffer.data(), piece.pos});
    full = piece.pos == buffer.size();
  }
  if (missing != 0)
    throw Error(ErrorCode::input, path + " is not a whole zstd file: it ends too early");
}

}  // namespace axl::data
