#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// bitsandbytes' 4-bit types (Dettmers et al. 2023, arXiv:2305.14314): a matrix is one row of
// numbers, `block` of which share a scale, the largest magnitude among them; a number is a code of
// one of 16 values in [-1, 1]. Bytes, scales and values are those of bitsandbytes 0.50 on a CPU, to
// the bit.

namespace axl::kernels {

enum class FourBitType : std::uint8_t { nf4, fp4 };

struct FourBitCodes {
  std::string_view name;                ///< "nf4", as bitsandbytes calls it
  std::array<float, 16> values;         ///< of every code
  std::array<std::uint8_t, 16> sorted;  ///< codes, by ascending value
  std::array<float, 15> borders;        ///< between neighbours of `sorted`
};
const FourBitCodes& codes_of(FourBitType type);

/// "Double quantisation": the scales themselves, less their mean, in 8 bits of the signed
/// dynamic_map(), 256 of which share a scale.
inline constexpr std::int64_t kNestedBlock = 256;

/// Scales of a 4-bit matrix: either `absmax`, or codes.
struct FourBitScales {
  const float* absmax = nullptr;
  const std::uint8_t* codes = nullptr;
  const float* nested_absmax = nullptr;  ///< one for kNestedBlock codes
  float offset = 0;                      ///< their mean
};

/// `elements` numbers; the first of a pair lies in the upper half of its byte.
struct FourBitArray {
  FourBitType type = FourBitType::nf4;
  const std::byte* data = nullptr;  ///< (elements + 1) / 2 bytes
  std::int64_t elements = 0, block = 0;
  FourBitScales scales;
  /// 0; or the columns of a row, to repeat what bitsandbytes computes on processors with AVX-512:
  /// it counts columns / block scales a row, rounded down, and so takes wrong ones where a block
  /// spans rows. Only for comparisons with such results.
  std::int64_t avx512_row = 0;
};

constexpr std::int64_t four_bit_bytes(std::int64_t elements) { return (elements + 1) / 2; }
constexpr std::int64_t four_bit_blocks(std::int64_t elements, std::int64_t block) {
  return (elements + block - 1) / block;
}

/// out = elements [first, first + count).
void decode(const FourBitArray& array, std::int64_t first, std::int64_t count, float* out);

/// Blocks [first, last) of x, whose `elements` begin with block 0: their codes into `data`, their
/// scales into `absmax`, both of the whole array. `block` is even.
struct FourBitEncode {
  FourBitType type;
  const float* x;
  std::int64_t elements, block;
  std::byte* data;
  float* absmax;
};
void encode_blocks(const FourBitEncode& a, std::int64_t first, std::int64_t last);

/// Replaces `count` scales by codes and four_bit_blocks(count, kNestedBlock) scales of them;
/// returns the offset.
float nest_scales(const float* absmax, std::int64_t count, std::uint8_t* codes,
                  float* nested_absmax);

}  // namespace axl::kernels
