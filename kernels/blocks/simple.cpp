// 32 elements with a scale d, and maybe a least value m, in half precision. The nibbles of a block
// hold the first 16 elements in their lower and the other 16 in their upper halves; Q5 keeps the
// fifth bits of all 32 together.
#include "blocks/layouts.hpp"
#include "blocks/read.hpp"

namespace axl::kernels::blocks {
namespace {

void decode_q4_0(const std::byte* p, float* out) {
  const float d = half(p);
  for (int i = 0; i < 16; ++i) out[i] = d * static_cast<float>(low_nibble(p[2 + i]) - 8);
  for (int i = 0; i < 16; ++i) out[16 + i] = d * static_cast<float>(high_nibble(p[2 + i]) - 8);
}

void decode_q4_1(const std::byte* p, float* out) {
  const float d = half(p), m = half(p + 2);
  for (int i = 0; i < 16; ++i) out[i] = d * static_cast<float>(low_nibble(p[4 + i])) + m;
  for (int i = 0; i < 16; ++i) out[16 + i] = d * static_cast<float>(high_nibble(p[4 + i])) + m;
}

/// Bit i of `bits`, as the fifth of a number.
std::int32_t fifth(std::uint32_t bits, int i) {
  return static_cast<std::int32_t>((bits >> i) & 1u) << 4;
}

void decode_q5_0(const std::byte* p, float* out) {
  const float d = half(p);
  const auto high = load<std::uint32_t>(p + 2);
  const std::byte* q = p + 6;
  for (int i = 0; i < 16; ++i)
    out[i] = d * static_cast<float>((low_nibble(q[i]) | fifth(high, i)) - 16);
  for (int i = 0; i < 16; ++i)
    out[16 + i] = d * static_cast<float>((high_nibble(q[i]) | fifth(high, 16 + i)) - 16);
}

void decode_q5_1(const std::byte* p, float* out) {
  const float d = half(p), m = half(p + 2);
  const auto high = load<std::uint32_t>(p + 4);
  const std::byte* q = p + 8;
  for (int i = 0; i < 16; ++i)
    out[i] = d * static_cast<float>(low_nibble(q[i]) | fifth(high, i)) + m;
  for (int i = 0; i < 16; ++i)
    out[16 + i] = d * static_cast<float>(high_nibble(q[i]) | fifth(high, 16 + i)) + m;
}

void decode_q8_0(const std::byte* p, float* out) {
  const float d = half(p);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(load<std::int8_t>(p + 2 + i));
}

}  // namespace

BlockLayout q4_0() { return {"Q4_0", 32, 18, &each_block<32, 18, &decode_q4_0>}; }
BlockLayout q4_1() { return {"Q4_1", 32, 20, &each_block<32, 20, &decode_q4_1>}; }
BlockLayout q5_0() { return {"Q5_0", 32, 22, &each_block<32, 22, &decode_q5_0>}; }
BlockLayout q5_1() { return {"Q5_1", 32, 24, &each_block<32, 24, &decode_q5_1>}; }
BlockLayout q8_0() { return {"Q8_0", 32, 34, &each_block<32, 34, &decode_q8_0>}; }

}  // namespace axl::kernels::blocks
