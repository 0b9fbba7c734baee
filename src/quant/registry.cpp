#include <algorithm>
#include <array>

#include "quant/formats.hpp"

namespace axl::quant {
namespace {

/// In the order in which a request is offered to them; the last one takes everything.
constexpr std::array<const MatrixFormat*, 6> kFormats{
    &kNf4,         // 4 bits, in bitsandbytes' files or made from others
    &kFp4,         //
    &kGgufBlocks,  // GGML's block formats as they lie in a GGUF file
    &kPacked,      // the GEMM's own layout
    &kNarrow,      // bf16 while f32 is computed
    &kPlain,       // the compute type
};

}  // namespace

std::span<const MatrixFormat* const> all_formats() { return kFormats; }

const MatrixFormat& format_for(const MatrixRequest& request) {
  return **std::find_if(kFormats.begin(), kFormats.end(),
                        [&](const MatrixFormat* f) { return f->takes(request); });
}

}  // namespace axl::quant
