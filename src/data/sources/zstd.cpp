#include <zstd.h>

#include <memory>
#include <vector>

#include "core/error.hpp"
#include "data/sources/decode.hpp"

namespace axl::data {
namespace {

class Zstd final : public Decoder {
 public:
  explicit Zstd(std::string path)
      : path_(std::move(path)), stream_(::ZSTD_createDStream()), buffer_(::ZSTD_DStreamOutSize()) {
    AXL_CHECK(stream_ != nullptr, "zstd could not be started");
  }

  void append(std::string_view piece, const TextSink& out) override {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    bool full = false;
    while (in.pos < in.size || full) {
      ZSTD_outBuffer made{buffer_.data(), buffer_.size(), 0};
      missing_ = ::ZSTD_decompressStream(stream_.get(), &made, &in);
      if (::ZSTD_isError(missing_))
        throw Error(ErrorCode::input,
                    path_ + " is not a whole zstd file: " + ::ZSTD_getErrorName(missing_));
      if (made.pos > 0) out({buffer_.data(), made.pos});
      // Asked once more after the end of a frame, zstd would await another one.
      full = made.pos == buffer_.size() && missing_ != 0;
    }
  }

  void finish(const TextSink&) override {
    if (missing_ != 0)
      throw Error(ErrorCode::input, path_ + " is not a whole zstd file: it ends too early");
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ::ZSTD_freeDStream(stream); }
  };
  std::string path_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  std::vector<char> buffer_;
  std::size_t missing_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> zstd_decoder(std::string path) {
  return std::make_unique<Zstd>(std::move(path));
}

}  // namespace axl::data
