// 256 elements ("K-quants"): small integer scales of groups of 16 or 32, which share a scale in
// half precision.
#include "blocks/layouts.hpp"
#include "blocks/read.hpp"

namespace axl::kernels::blocks {
namespace {

/// 16 bytes of scale and minimum nibbles, 64 bytes of bit pairs, d, dmin.
void decode_q2_k(const std::byte* p, float* out) {
  const float d = half(p + 80), d_least = half(p + 82);
  for (int group = 0; group < 16; ++group) {
    const float a = d * static_cast<float>(low_nibble(p[group]));
    const float b = d_least * static_cast<float>(high_nibble(p[group]));
    const int shift = group % 8 / 2 * 2;
    const std::byte* q = p + 16 + group / 8 * 32 + group % 2 * 16;
    float* y = out + 16 * group;
    for (int i = 0; i < 16; ++i) y[i] = a * static_cast<float>((integer(q[i]) >> shift) & 3) - b;
  }
}

/// 32 bytes of upper bits (one for every element, in 8 layers), 64 bytes of bit pairs, 16 scales of
/// 6 bits in 12 bytes, d. An upper bit that is not set takes 4 off.
void decode_q3_k(const std::byte* p, float* out) {
  const float d = half(p + 108);
  const std::byte* scales = p + 96;
  for (int group = 0; group < 16; ++group) {
    const std::int32_t low = group < 8 ? low_nibble(scales[group]) : high_nibble(scales[group - 8]);
    const std::int32_t high = (integer(scales[8 + group % 4]) >> (group / 4 * 2)) & 3;
    const float a = d * static_cast<float>((low | (high << 4)) - 32);
    const int shift = group % 8 / 2 * 2, layer = group / 2, half_row = group % 2 * 16;
    const std::byte* q = p + 32 + group / 8 * 32 + half_row;
    const std::byte* h = p + half_row;
    float* y = out + 16 * group;
    for (int i = 0; i < 16; ++i) {
      const std::int32_t pair = (integer(q[i]) >> shift) & 3;
      const std::int32_t off = (~(integer(h[i]) >> layer) & 1) << 2;
      y[i] = a * static_cast<float>(pair - off);
    }
  }
}

/// Scale and minimum of a group of Q4_K and Q5_K: 8 of each, 6 bits, in 12 bytes.
struct ScaleAndLeast {
  std::int32_t scale, least;
};
ScaleAndLeast packed_scale(const std::byte* p, int group) {
  if (group < 4) return {integer(p[group]) & 63, integer(p[group + 4]) & 63};
  return {low_nibble(p[group + 4]) | ((integer(p[group - 4]) >> 6) << 4),
          high_nibble(p[group + 4]) | ((integer(p[group]) >> 6) << 4)};
}

/// d, dmin, scales; 128 bytes of nibbles.
void decode_q4_k(const std::byte* p, float* out) {
  const float d = half(p), d_least = half(p + 2);
  for (int group = 0; group < 8; ++group) {
    const ScaleAndLeast s = packed_scale(p + 4, group);
    const float a = d * static_cast<float>(s.scale), b = d_least * static_cast<float>(s.least);
    const std::byte* q = p + 16 + 32 * (group / 2);
    float* y = out + 32 * group;
    if (group % 2 == 0) {
      for (int i = 0; i < 32; ++i) y[i] = a * static_cast<float>(low_nibble(q[i])) - b;
    } else {
      for (int i = 0; i < 32; ++i) y[i] = a * static_cast<float>(high_nibble(q[i])) - b;
    }
  }
}

/// d, dmin, scales; 32 bytes of fifth bits in 8 layers; 128 bytes of nibbles.
void decode_q5_k(const std::byte* p, float* out) {
  const float d = half(p), d_least = half(p + 2);
  const std::byte* high = p + 16;
  for (int group = 0; group < 8; ++group) {
    const ScaleAndLeast s = packed_scale(p + 4, group);
    const float a = d * static_cast<float>(s.scale), b = d_least * static_cast<float>(s.least);
    const std::byte* q = p + 48 + 32 * (group / 2);
    const int shift = group % 2 * 4;
    float* y = out + 32 * group;
    for (int i = 0; i < 32; ++i) {
      const std::int32_t nibble = (integer(q[i]) >> shift) & 15;
      const std::int32_t fifth = ((integer(high[i]) >> group) & 1) << 4;
      y[i] = a * static_cast<float>(nibble | fifth) - b;
    }
  }
}

/// 128 bytes of lower nibbles, 64 bytes of upper bit pairs, 16 signed scales, d.
void decode_q6_k(const std::byte* p, float* out) {
  const float d = half(p + 208);
  for (int group = 0; group < 16; ++group) {
    const int part = group / 8, quarter = group % 8 / 2, offset = group % 2 * 16;
    const std::byte* lower = p + 64 * part + 32 * (quarter % 2) + offset;
    const std::byte* upper = p + 128 + 32 * part + offset;
    const float a = d * static_cast<float>(load<std::int8_t>(p + 192 + group));
    const int nibble = quarter / 2 * 4, pair = 2 * quarter;
    float* y = out + 16 * group;
    for (int i = 0; i < 16; ++i) {
      const std::int32_t low = (integer(lower[i]) >> nibble) & 15;
      const std::int32_t high = ((integer(upper[i]) >> pair) & 3) << 4;
      y[i] = a * static_cast<float>((low | high) - 32);
    }
  }
}

}  // namespace

BlockLayout q2_k() { return {"Q2_K", 256, 84, &each_block<256, 84, &decode_q2_k>}; }
BlockLayout q3_k() { return {"Q3_K", 256, 110, &each_block<256, 110, &decode_q3_k>}; }
BlockLayout q4_k() { return {"Q4_K", 256, 144, &each_block<256, 144, &decode_q4_k>}; }
BlockLayout q5_k() { return {"Q5_K", 256, 176, &each_block<256, 176, &decode_q5_k>}; }
BlockLayout q6_k() { return {"Q6_K", 256, 210, &each_block<256, 210, &decode_q6_k>}; }

}  // namespace axl::kernels::blocks
