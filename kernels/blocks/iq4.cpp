// Four bits that say which of 16 unevenly spaced values it is.
#include "blocks/layouts.hpp"
#include "blocks/read.hpp"

namespace axl::kernels::blocks {
namespace {

constexpr float kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                               1,    13,   25,  38,  53,  69,  89,  113};

/// 32 elements, of which the first 16 are in the lower nibbles.
void decode_32(const std::byte* q, float scale, float* out) {
  float values[16];
  for (int i = 0; i < 16; ++i) values[i] = scale * kValues[i];
  for (int i = 0; i < 16; ++i) {
    out[i] = values[low_nibble(q[i])];
    out[16 + i] = values[high_nibble(q[i])];
  }
}

void decode_iq4_nl(const std::byte* p, float* out) { decode_32(p + 2, half(p), out); }

/// d; upper bit pairs of 8 scales; their lower nibbles; 128 bytes of nibbles.
void decode_iq4_xs(const std::byte* p, float* out) {
  const float d = half(p);
  const std::uint32_t pairs = load<std::uint16_t>(p + 2);
  for (int group = 0; group < 8; ++group) {
    const std::int32_t low = (integer(p[4 + group / 2]) >> (group % 2 * 4)) & 15;
    const auto high = static_cast<std::int32_t>((pairs >> (2 * group)) & 3u);
    const float scale = d * static_cast<float>((low | (high << 4)) - 32);
    decode_32(p + 8 + 16 * group, scale, out + 32 * group);
  }
}

}  // namespace

BlockLayout iq4_nl() { return {"IQ4_NL", 32, 18, &each_block<32, 18, &decode_iq4_nl>}; }
BlockLayout iq4_xs() { return {"IQ4_XS", 256, 136, &each_block<256, 136, &decode_iq4_xs>}; }

}  // namespace axl::kernels::blocks
