#include <zlib.h>

#include <array>

#include "core/error.hpp"
#include "data/sources/decode.hpp"

namespace axl::data {
namespace {

class Gzip final : public Decoder {
 public:
  explicit Gzip(std::string path) : path_(std::move(path)) {
    // 15 + 32: the largest window, gzip or zlib headers.
    AXL_CHECK(::inflateInit2(&z_, 15 + 32) == Z_OK, "zlib could not be started");
  }
  ~Gzip() override { ::inflateEnd(&z_); }

  void append(std::string_view piece, const TextSink& out) override {
    constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // zlib counts in 32 bits
    while (!piece.empty()) {
      const std::string_view part = piece.substr(0, kMostAtOnce);
      piece.remove_prefix(part.size());
      unpack(part, out);
    }
  }

  void finish(const TextSink&) override {
    if (!between_members_)
      throw Error(ErrorCode::input, path_ + " is not a whole gzip file: it ends too early");
  }

 private:
  void unpack(std::string_view part, const TextSink& out) {
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
    z_.avail_in = static_cast<uInt>(part.size());
    do {
      // Members may follow each other (cat a.gz b.gz > both.gz).
      if (between_members_ && z_.avail_in > 0) {
        if (used_) ::inflateReset(&z_);
        between_members_ = false;
      }
      z_.next_out = buffer_.data();
      z_.avail_out = static_cast<uInt>(buffer_.size());
      const int status = ::inflate(&z_, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        throw Error(ErrorCode::input,
                    path_ + " is not a whole gzip file: " + (z_.msg ? z_.msg : "damaged data"));
      used_ = true;
      const std::size_t made = buffer_.size() - z_.avail_out;
      if (made > 0) out({reinterpret_cast<const char*>(buffer_.data()), made});
      between_members_ = status == Z_STREAM_END;
    } while (z_.avail_in > 0 || (z_.avail_out == 0 && !between_members_));
  }

  std::string path_;
  z_stream z_{};
  bool used_ = false, between_members_ = true;
  std::array<unsigned char, 1 << 16> buffer_;
};

}  // namespace

std::unique_ptr<Decoder> gzip_decoder(std::string path) {
  return std::make_unique<Gzip>(std::move(path));
}

}  // namespace axl::data
