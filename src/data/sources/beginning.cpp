#include "core/placeholder.hpp"
#include "core/utf8.hpp"
#include "data/sources/decode.hpp"

namespace axl::data {
namespace {

class Beginning final : public Decoder {
 public:
  Beginning(std::string path, bool unpacked, bool text)
      : path_(std::move(path)), unpacked_(unpacked), text_(text) {}

  void append(std::string_view piece, const TextSink& out) override {
    if (!begun_ && !piece.empty()) {
      begun_ = true;
      if (unpacked_) refuse_placeholder(piece, piece.size(), path_, text_, ErrorCode::data);
      if (!wide_encoding(piece).empty()) require_utf8(piece, path_, ErrorCode::data);
    }
    out(piece);
  }
  void finish(const TextSink&) override {}

 private:
  std::string path_;
  bool unpacked_, text_, begun_ = false;
};

}  // namespace

std::unique_ptr<Decoder> beginning_decoder(std::string path, bool unpacked, bool text) {
  return std::make_unique<Beginning>(std::move(path), unpacked, text);
}

}  // namespace axl::data
