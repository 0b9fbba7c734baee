#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>

namespace axl {

/// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy
/// as 1, 2, 3", SC 2011. Every draw is a pure function of (seed, stream, index): there is no state
/// to save in a checkpoint, and any rank computes any draw.
inline std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                               std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// 128 random bits for (seed, stream, index).
inline std::array<std::uint32_t, 4> random_block(std::uint64_t seed, std::uint64_t stream,
                                                 std::uint64_t index) {
  return philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                     static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                    {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

inline std::uint64_t random_u64(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const auto r = random_block(seed, stream, index);
  return (std::uint64_t{r[1]} << 32) | r[0];
}

/// Uniform in [0, 1) with 53 random bits.
inline double random_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  return static_cast<double>(random_u64(seed, stream, index) >> 11) * 0x1.0p-53;
}

/// Uniform in [0, n); n > 0. The bias of the multiplication method is below n / 2^64.
inline std::uint64_t random_below(std::uint64_t n, std::uint64_t seed, std::uint64_t stream,
                                  std::uint64_t index) {
  const std::uint64_t x = random_u64(seed, stream, index);
  const std::uint64_t low_x = x & 0xFFFFFFFFU, high_x = x >> 32;
  const std::uint64_t low_n = n & 0xFFFFFFFFU, high_n = n >> 32;
  const std::uint64_t mid = high_x * low_n + ((low_x * low_n) >> 32);
  const std::uint64_t mid2 = low_x * high_n + (mid & 0xFFFFFFFFU);
  return high_x * high_n + (mid >> 32) + (mid2 >> 32);
}

/// Fisher-Yates with one draw an element; the order depends on (size, seed, stream) only.
template <class Container>
void shuffle(Container& items, std::uint64_t seed, std::uint64_t stream) {
  for (std::size_t i = items.size(); i > 1; --i) {
    const std::size_t j = static_cast<std::size_t>(random_below(i, seed, stream, i));
    using std::swap;
    swap(items[i - 1], items[j]);
  }
}

/// A standard normal number from two uniform ones in [0, 1) (Box and Muller 1958).
inline double normal_from(double u, double v) {
  return std::sqrt(-2.0 * std::log(1.0 - u)) * std::cos(2.0 * std::numbers::pi * v);
}

}  // namespace axl
