#include <zlib.h>

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "data/sources/decode.hpp"

namespace axl::data {
namespace {

class Inflate {
 public:
  Inflate() {
    // 15 + 32: the largest window, gzip or zlib headers.
    AXL_CHECK(::inflateInit2(&z_, 15 + 32) == Z_OK, "zlib could not be started");
  }
  ~Inflate() { ::inflateEnd(&z_); }
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;
  z_stream* operator->() { return &z_; }
  z_stream* get() { return &z_; }

 private:
  z_stream z_{};
};

}  // namespace

void decode_gzip(std::string_view bytes, const std::string& path, const TextSink& out) {
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // zlib counts in 32 bits
  std::array<unsigned char, 1 << 16> buffer;
  Inflate z;
  std::size_t at = 0;
  bool ended = false;
  while (at < bytes.size()) {
    const std::size_t given = std::min(bytes.size() - at, kMostAtOnce);
    z->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + at));
    z->avail_in = static_cast<uInt>(given);
    do {
      z->next_out = buffer.data();
      z->avail_out = static_cast<uInt>(buffer.size());
      const int status = ::inflate(z.get(), Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        throw Error(ErrorCode::input,
                    path + " is not a whole gzip file: " + (z->msg ? z->msg : "damaged data"));
      out({reinterpret_cast<const char*>(buffer.data()), buffer.size() - z->avail_out});
      ended = status == Z_STREAM_END;
      // Members may follow each other (gzip a b > both.gz).
      if (ended) {
        if (z->avail_in == 0) break;
        ::inflateReset(z.get());
      }
    } while (z->avail_in > 0 || z->avail_out == 0);
    at += given;
  }
  if (!bytes.empty() && !ended)
    throw Error(ErrorCode::input, path + " is not a whole gzip file: it ends too early");
}

}  // namespace axl::data
