// -1, 0 and 1, times a scale in half precision: BitNet's weights.
#include "blocks/layouts.hpp"
#include "blocks/read.hpp"

namespace axl::kernels::blocks {
namespace {

/// `bytes` bytes of `digits` base-3 digits each: all first digits, then all second ones, ...
void digits_of(const std::byte* q, int bytes, int digits, float d, float* out) {
  std::uint32_t power = 1;
  for (int n = 0; n < digits; ++n, power *= 3)
    for (int i = 0; i < bytes; ++i) {
      const std::uint32_t shifted = (std::to_integer<std::uint32_t>(q[i]) * power) & 255u;
      *out++ = d * static_cast<float>(static_cast<std::int32_t>((shifted * 3) >> 8) - 1);
    }
}

/// 32 and 16 bytes of five digits, 4 bytes of four, d.
void decode_tq1_0(const std::byte* p, float* out) {
  const float d = half(p + 52);
  digits_of(p, 32, 5, d, out);
  digits_of(p + 32, 16, 5, d, out + 160);
  digits_of(p + 48, 4, 4, d, out + 240);
}

/// 64 bytes of bit pairs, in layers of 32; d.
void decode_tq2_0(const std::byte* p, float* out) {
  const float d = half(p + 64);
  for (int group = 0; group < 8; ++group)
    for (int i = 0; i < 32; ++i)
      out[32 * group + i] =
          d * static_cast<float>(((integer(p[32 * (group / 4) + i]) >> (group % 4 * 2)) & 3) - 1);
}

}  // namespace

BlockLayout tq1_0() { return {"TQ1_0", 256, 54, &each_block<256, 54, &decode_tq1_0>}; }
BlockLayout tq2_0() { return {"TQ2_0", 256, 66, &each_block<256, 66, &decode_tq2_0>}; }

}  // namespace axl::kernels::blocks
