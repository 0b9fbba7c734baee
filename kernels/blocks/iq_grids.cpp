// One to three bits: codes of 8 (or 4) neighbours, whose magnitudes stand in a table, and signs.
#include <bit>

#include "blocks/grids.hpp"
#include "blocks/layouts.hpp"
#include "blocks/read.hpp"

namespace axl::kernels::blocks {
namespace {

constexpr float kIq2Values[4] = {8, 25, 43, 0};
constexpr float kIq3XxsValues[8] = {4, 12, 20, 28, 36, 44, 52, 62};
constexpr float kIq3SValues[8] = {1, 3, 5, 7, 9, 11, 13, 15};
constexpr float kIq1Values[4] = {-1, 0, 1, 0};
constexpr float kDelta = 0.125f;

/// Seven signs; the eighth makes their number even.
std::uint32_t even_signs(std::uint32_t seven) {
  return seven | (static_cast<std::uint32_t>(std::popcount(seven) & 1) << 7);
}

float with_sign(float x, std::uint32_t signs, int i) { return ((signs >> i) & 1u) != 0 ? -x : x; }

void eight_of_two_bits(std::uint32_t code, float scale, std::uint32_t signs, float* out) {
  for (int i = 0; i < 8; ++i)
    out[i] = with_sign(scale * kIq2Values[(code >> (2 * i)) & 3u], signs, i);
}

void four_of_three_bits(const float (&values)[8], std::uint32_t code, float scale,
                        std::uint32_t signs, float* out) {
  for (int i = 0; i < 4; ++i) out[i] = with_sign(scale * values[(code >> (3 * i)) & 7u], signs, i);
}

std::uint32_t byte(const std::byte* p) { return std::to_integer<std::uint32_t>(*p); }
/// Nibble i of an array of them.
std::uint32_t nibble(const std::byte* p, int i) { return (byte(p + i / 2) >> (i % 2 * 4)) & 15u; }

/// d; for every 32 elements four codes, then four times seven signs and a scale.
void decode_iq2_xxs(const std::byte* p, float* out) {
  const float d = half(p);
  for (int group = 0; group < 8; ++group) {
    const std::byte* q = p + 2 + 8 * group;
    const auto rest = load<std::uint32_t>(q + 4);
    const float scale = d * (0.5f + static_cast<float>(rest >> 28)) * 0.25f;
    for (int i = 0; i < 4; ++i)
      eight_of_two_bits(kIq2XxsGrid[byte(q + i)], scale, even_signs((rest >> (7 * i)) & 127u),
                        out + 32 * group + 8 * i);
  }
}

/// d; 32 codes of 9 bits with seven signs; 16 scales.
void decode_iq2_xs(const std::byte* p, float* out) {
  const float d = half(p);
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t q = load<std::uint16_t>(p + 2 + 2 * i);
    const float scale = d * (0.5f + static_cast<float>(nibble(p + 66, i / 2))) * 0.25f;
    eight_of_two_bits(kIq2XsGrid[q & 511u], scale, even_signs(q >> 9), out + 8 * i);
  }
}

/// d; lower bytes of 32 codes; their signs; upper bit pairs; 16 scales.
void decode_iq2_s(const std::byte* p, float* out) {
  const float d = half(p);
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t high = (byte(p + 66 + i / 4) >> (i % 4 * 2)) & 3u;
    const float scale = d * (0.5f + static_cast<float>(nibble(p + 74, i / 2))) * 0.25f;
    eight_of_two_bits(kIq2SGrid[byte(p + 2 + i) | (high << 8)], scale, byte(p + 34 + i),
                      out + 8 * i);
  }
}

/// d; 64 codes; for every 32 elements four times seven signs and a scale.
void decode_iq3_xxs(const std::byte* p, float* out) {
  const float d = half(p);
  for (int i = 0; i < 64; ++i) {
    const auto rest = load<std::uint32_t>(p + 66 + i / 8 * 4);
    const float scale = d * (0.5f + static_cast<float>(rest >> 28)) * 0.5f;
    const std::uint32_t signs = even_signs((rest >> (i % 8 / 2 * 7)) & 127u);
    four_of_three_bits(kIq3XxsValues, kIq3XxsGrid[byte(p + 2 + i)], scale, signs >> (i % 2 * 4),
                       out + 4 * i);
  }
}

/// d; lower bytes of 64 codes; their ninth bits; signs; 8 scales.
void decode_iq3_s(const std::byte* p, float* out) {
  const float d = half(p);
  for (int i = 0; i < 64; ++i) {
    const std::uint32_t high = (byte(p + 66 + i / 8) >> (i % 8)) & 1u;
    const float scale = d * static_cast<float>(1 + 2 * nibble(p + 106, i / 8));
    four_of_three_bits(kIq3SValues, kIq3SGrid[byte(p + 2 + i) | (high << 8)], scale,
                       nibble(p + 74, i), out + 4 * i);
  }
}

void eight_around(std::uint32_t code, float scale, float delta, float* out) {
  for (int i = 0; i < 8; ++i) out[i] = scale * (kIq1Values[(code >> (2 * i)) & 3u] + delta);
}

/// d; lower bytes of 32 codes; for every 32 elements upper bits, a scale and the sign of a shift.
void decode_iq1_s(const std::byte* p, float* out) {
  const float d = half(p);
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t rest = load<std::uint16_t>(p + 34 + i / 4 * 2);
    const float scale = d * static_cast<float>(2 * ((rest >> 12) & 7u) + 1);
    const std::uint32_t high = (rest >> (i % 4 * 3)) & 7u;
    eight_around(kIq1SGrid[byte(p + 2 + i) | (high << 8)], scale,
                 (rest & 0x8000u) == 0 ? kDelta : -kDelta, out + 8 * i);
  }
}

/// Lower bytes of 32 codes; their upper bits and the sign of a shift; 16 scales of 3 bits, between
/// which d is spread in four nibbles.
void decode_iq1_m(const std::byte* p, float* out) {
  std::uint32_t bits = 0;
  for (int i = 0; i < 4; ++i)
    bits |= (static_cast<std::uint32_t>(load<std::uint16_t>(p + 48 + 2 * i)) >> 12) << (4 * i);
  const float d = half_of(bits);
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t scales = load<std::uint16_t>(p + 48 + i / 8 * 2);
    const float scale = d * static_cast<float>(2 * ((scales >> (i % 8 / 2 * 3)) & 7u) + 1);
    const std::uint32_t rest = nibble(p + 32, i);
    eight_around(kIq1SGrid[byte(p + i) | ((rest & 7u) << 8)], scale,
                 (rest & 8u) == 0 ? kDelta : -kDelta, out + 8 * i);
  }
}

}  // namespace

BlockLayout iq2_xxs() { return {"IQ2_XXS", 256, 66, &each_block<256, 66, &decode_iq2_xxs>}; }
BlockLayout iq2_xs() { return {"IQ2_XS", 256, 74, &each_block<256, 74, &decode_iq2_xs>}; }
BlockLayout iq2_s() { return {"IQ2_S", 256, 82, &each_block<256, 82, &decode_iq2_s>}; }
BlockLayout iq3_xxs() { return {"IQ3_XXS", 256, 98, &each_block<256, 98, &decode_iq3_xxs>}; }
BlockLayout iq3_s() { return {"IQ3_S", 256, 110, &each_block<256, 110, &decode_iq3_s>}; }
BlockLayout iq1_s() { return {"IQ1_S", 256, 50, &each_block<256, 50, &decode_iq1_s>}; }
BlockLayout iq1_m() { return {"IQ1_M", 256, 56, &each_block<256, 56, &decode_iq1_m>}; }

}  // namespace axl::kernels::blocks
