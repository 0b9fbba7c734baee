#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

// What the decoders of block formats share.

namespace axl::kernels::blocks {

template <class T>
T load(const std::byte* p) {  // files align nothing
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

/// Same values as axl::f16_to_float, without branches so that loops vectorise.
inline float half_of(std::uint32_t h) {
  const std::uint32_t magnitude = (h & 0x7FFFu) << 13;
  const float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  std::uint32_t bits = std::bit_cast<std::uint32_t>(scaled);
  if (magnitude >= 0x0F800000u) bits |= 0x7F800000u;  // Inf and NaN keep their payload
  return std::bit_cast<float>(bits | ((h & 0x8000u) << 16));
}
inline float half(const std::byte* p) { return half_of(load<std::uint16_t>(p)); }

inline std::int32_t integer(std::byte b) { return std::to_integer<std::int32_t>(b); }
inline std::int32_t low_nibble(std::byte b) { return integer(b) & 15; }
inline std::int32_t high_nibble(std::byte b) { return integer(b) >> 4; }

/// Calls Decode for every block.
template <std::int64_t Elements, std::int64_t Bytes,
          void (*Decode)(const std::byte* block, float* out)>
void each_block(const std::byte* blocks, std::int64_t count, float* out) {
  for (std::int64_t b = 0; b < count; ++b) Decode(blocks + b * Bytes, out + b * Elements);
}

}  // namespace axl::kernels::blocks
