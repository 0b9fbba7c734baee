#pragma once
#include <array>
#include <cstdint>

namespace axl::kernels {

/// The 256 values in [-1, 1] that the codes of a block-wise 8-bit type stand for, ascending, and
/// the code of every value. bitsandbytes' CPU code looks codes up in 65536 equal steps instead of
/// taking the nearest of all values; what it saves and how it trains follow from that, so this does
/// too.
struct QuantileMap {
  std::array<float, 256> values;
  std::array<std::uint8_t, 65536> nearest;

  /// The code of x, |x| <= 1; 0 for NaN.
  std::uint8_t encode(float x) const {
    const float at = (x + 1.0f) * 32767.5f + 0.5f;
    return at >= 0.0f && at < 65536.0f ? nearest[static_cast<std::size_t>(at)] : 0;
  }
};

/// bitsandbytes' dynamic type (Dettmers 2016, arXiv:1511.04561): a decimal exponent of 0 to 6
/// zeros, the other bits a linear fraction. Unsigned, it has twice the fractions and no negative
/// values.
const QuantileMap& dynamic_map(bool is_signed);

}  // namespace axl::kernels
