#include "axl/kernels/four_bit.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "axl/kernels/quantile_map.hpp"

namespace axl::kernels {
namespace {

FourBitCodes with_borders(std::string_view name, const std::array<float, 16>& values,
                          const std::array<std::uint8_t, 16>& sorted) {
  FourBitCodes out{name, values, sorted, {}};
  for (std::size_t i = 0; i < out.borders.size(); ++i)
    out.borders[i] = (values[sorted[i]] + values[sorted[i + 1]]) / 2.0f;
  return out;
}

/// Quantiles of a normal distribution (arXiv:2305.14314, appendix E).
FourBitCodes make_nf4() {
  std::array<std::uint8_t, 16> sorted{};
  for (std::uint8_t i = 0; i < 16; ++i) sorted[i] = i;
  return with_borders(
      "nf4",
      {-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
       -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
       0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
       0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f},
      sorted);
}

/// A sign, two bits of exponent, one of mantissa. Where two codes mean zero, tiny negative numbers
/// take the first and tiny positive ones the second.
FourBitCodes make_fp4() {
  const std::array<float, 8> twelfths{0, 0.0625f, 8, 12, 4, 6, 2, 3};
  std::array<float, 16> values{};
  for (std::size_t i = 0; i < 8; ++i) {
    values[i] = twelfths[i] / 12.0f;
    values[8 + i] = i == 0 ? 0.0f : -values[i];
  }
  return with_borders("fp4", values, {11, 10, 13, 12, 15, 14, 9, 0, 8, 1, 6, 7, 4, 5, 2, 3});
}

/// Both values of every byte.
using Pairs = std::array<std::array<float, 2>, 256>;
Pairs make_pairs(FourBitType type) {
  Pairs out{};
  for (std::size_t b = 0; b < 256; ++b)
    out[b] = {codes_of(type).values[b >> 4], codes_of(type).values[b & 15]};
  return out;
}
const Pairs& pairs_of(FourBitType type) {
  static const Pairs nf4 = make_pairs(FourBitType::nf4), fp4 = make_pairs(FourBitType::fp4);
  return type == FourBitType::nf4 ? nf4 : fp4;
}

float scale_of(const FourBitScales& s, std::int64_t block, const QuantileMap& map) {
  if (s.absmax != nullptr) return s.absmax[block];
  return map.values[s.codes[block]] * s.nested_absmax[block / kNestedBlock] + s.offset;
}

/// Elements [first, last) of one block.
void decode_in_block(const FourBitArray& a, std::int64_t first, std::int64_t last, float scale,
                     const Pairs& pairs, float* out) {
  const auto byte = [&](std::int64_t i) { return std::to_integer<std::size_t>(a.data[i / 2]); };
  if (first % 2 != 0 && first < last) {
    *out++ = pairs[byte(first)][1] * scale;
    ++first;
  }
  const std::int64_t whole = (last - first) / 2;
  const std::byte* bytes = a.data + first / 2;
  for (std::int64_t i = 0; i < whole; ++i)
    std::memcpy(out + 2 * i, pairs[std::to_integer<std::size_t>(bytes[i])].data(),
                2 * sizeof(float));
  for (std::int64_t i = 0; i < 2 * whole; ++i) out[i] *= scale;
  if (first + 2 * whole < last) out[2 * whole] = pairs[byte(last - 1)][0] * scale;
}

/// The code of x, |x| <= 1: as many borders lie below it.
std::uint8_t code_of(const FourBitCodes& codes, float x) {
  std::size_t below = 0;
  for (const float border : codes.borders) below += border < x ? 1 : 0;
  return codes.sorted[below];
}

/// The sum of n floats in the order of PyTorch's reduction on one thread with vectors of 8: four
/// interleaved vectors, added up in levels that grow by powers of two.
float sum_as_torch(const float* x, std::int64_t n) {
  constexpr std::int64_t kLanes = 8, kRows = 4, kLevels = 4;
  const std::int64_t vectors = n / kLanes, steps = vectors / kRows;
  using Row = std::array<std::array<float, kLanes>, kRows>;
  std::array<Row, kLevels> sums{};
  const auto add = [&](Row& to, std::int64_t step) {
    for (std::int64_t r = 0; r < kRows; ++r)
      for (std::int64_t l = 0; l < kLanes; ++l)
        to[static_cast<std::size_t>(r)][static_cast<std::size_t>(l)] +=
            x[(step * kRows + r) * kLanes + l];
  };
  const auto fold = [](Row& to, const Row& from) {
    for (std::size_t r = 0; r < kRows; ++r)
      for (std::size_t l = 0; l < kLanes; ++l) to[r][l] += from[r][l];
  };
  const auto bits = steps > 1 ? std::bit_width(static_cast<std::uint64_t>(steps - 1)) : 0;
  const std::int64_t power = std::max<std::int64_t>(4, bits / kLevels);
  const std::int64_t step = std::int64_t{1} << power, mask = step - 1;
  std::int64_t i = 0;
  while (i + step <= steps) {
    for (std::int64_t j = 0; j < step; ++j) add(sums[0], i++);
    for (std::size_t level = 1; level < kLevels; ++level) {
      fold(sums[level], sums[level - 1]);
      sums[level - 1] = {};
      if ((i & (mask << (static_cast<std::int64_t>(level) * power))) != 0) break;
    }
  }
  for (; i < steps; ++i) add(sums[0], i);
  for (std::size_t level = 1; level < kLevels; ++level) fold(sums[0], sums[level]);
  auto& row = sums[0];
  for (std::int64_t v = steps * kRows; v < vectors; ++v)
    for (std::size_t l = 0; l < kLanes; ++l)
      row[0][l] += x[v * kLanes + static_cast<std::int64_t>(l)];
  for (std::size_t r = 1; r < kRows; ++r)
    for (std::size_t l = 0; l < kLanes; ++l) row[0][l] += row[r][l];
  float sum = 0;
  for (std::int64_t k = vectors * kLanes; k < n; ++k) sum += x[k];
  for (std::size_t l = 0; l < kLanes; ++l) sum += row[0][l];
  return sum;
}

}  // namespace

const FourBitCodes& codes_of(FourBitType type) {
  static const FourBitCodes nf4 = make_nf4(), fp4 = make_fp4();
  return type == FourBitType::nf4 ? nf4 : fp4;
}

void decode(const FourBitArray& a, std::int64_t first, std::int64_t count, float* out) {
  const Pairs& pairs = pairs_of(a.type);
  const QuantileMap& map = dynamic_map(true);
  // Scales begin anew with every row, or once.
  const std::int64_t row = a.avx512_row > 0 ? a.avx512_row : a.elements;
  for (const std::int64_t last = first + count; first < last;) {
    const std::int64_t start = first / row * row, in_row = (first - start) / a.block;
    const std::int64_t end = std::min({last, start + row, start + (in_row + 1) * a.block});
    const std::int64_t block = first / row * (row / a.block) + in_row;
    decode_in_block(a, first, end, scale_of(a.scales, block, map), pairs, out);
    out += end - first;
    first = end;
  }
}

void encode_blocks(const FourBitEncode& a, std::int64_t first, std::int64_t last) {
  constexpr float kLeast = 1e-38f;
  const FourBitCodes& codes = codes_of(a.type);
  for (std::int64_t b = first; b < last; ++b) {
    const std::int64_t begin = b * a.block, n = std::min(a.block, a.elements - begin);
    const float* x = a.x + begin;
    float largest = 0;
    for (std::int64_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[i]));
    // A last block that is not full is divided by its scale, the others are multiplied.
    const bool full = n == a.block;
    a.absmax[b] = full ? largest : std::max(largest, kLeast);
    const float divisor = std::max(largest, kLeast), factor = 1.0f / divisor;
    const auto code = [&](std::int64_t i) -> std::uint8_t {
      if (i >= n) return code_of(codes, 0.0f);
      return code_of(codes, std::clamp(full ? x[i] * factor : x[i] / divisor, -1.0f, 1.0f));
    };
    for (std::int64_t i = 0; i < n; i += 2)
      a.data[(begin + i) / 2] = static_cast<std::byte>((code(i) << 4) | code(i + 1));
  }
}

float nest_scales(const float* absmax, std::int64_t count, std::uint8_t* codes,
                  float* nested_absmax) {
  const QuantileMap& map = dynamic_map(true);
  const float offset = sum_as_torch(absmax, count) / static_cast<float>(count);
  for (std::int64_t begin = 0; begin < count; begin += kNestedBlock) {
    const std::int64_t n = std::min(kNestedBlock, count - begin);
    float largest = 0;
    for (std::int64_t i = 0; i < n; ++i)
      largest = std::max(largest, std::abs(absmax[begin + i] - offset));
    nested_absmax[begin / kNestedBlock] = largest;
    const float factor = 1.0f / largest;
    for (std::int64_t i = 0; i < n; ++i)
      codes[begin + i] = map.encode((absmax[begin + i] - offset) * factor);
  }
  return offset;
}

}  // namespace axl::kernels
