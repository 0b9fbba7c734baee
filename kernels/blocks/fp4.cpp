// Four-bit floating-point numbers (E2M1, OCP Microscaling Formats 1.0) under a scale that is a
// power of two (MX) or of eight bits (NV). The table holds twice their values, the scales half of
// theirs.
#include <cmath>

#include "blocks/layouts.hpp"
#include "blocks/read.hpp"

namespace axl::kernels::blocks {
namespace {

constexpr float kValues[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// 2^(x - 128), of which the two smallest are subnormal.
float half_of_e8m0(std::uint32_t x) {
  return std::bit_cast<float>(x < 2 ? 0x00200000u << x : (x - 1) << 23);
}

/// Unsigned E4M3; 0x7F is no number and counts as 0.
float half_of_e4m3(std::uint32_t x) {
  if (x == 0x7F) return 0;
  const auto exponent = static_cast<int>((x >> 3) & 15u);
  const auto mantissa = static_cast<float>(x & 7u);
  return exponent == 0 ? std::ldexp(mantissa, -10)
                       : std::ldexp(1.0f + mantissa / 8.0f, exponent - 8);
}

void decode_mxfp4(const std::byte* p, float* out) {
  const float d = half_of_e8m0(std::to_integer<std::uint32_t>(p[0]));
  for (int i = 0; i < 16; ++i) {
    out[i] = d * kValues[low_nibble(p[1 + i])];
    out[16 + i] = d * kValues[high_nibble(p[1 + i])];
  }
}

/// Four scales; four times 8 bytes, the lower nibbles first.
void decode_nvfp4(const std::byte* p, float* out) {
  for (int group = 0; group < 4; ++group) {
    const float d = half_of_e4m3(std::to_integer<std::uint32_t>(p[group]));
    const std::byte* q = p + 4 + 8 * group;
    for (int i = 0; i < 8; ++i) {
      out[16 * group + i] = d * kValues[low_nibble(q[i])];
      out[16 * group + 8 + i] = d * kValues[high_nibble(q[i])];
    }
  }
}

}  // namespace

BlockLayout mxfp4() { return {"MXFP4", 32, 17, &each_block<32, 17, &decode_mxfp4>}; }
BlockLayout nvfp4() { return {"NVFP4", 64, 36, &each_block<64, 36, &decode_nvfp4>}; }

}  // namespace axl::kernels::blocks
