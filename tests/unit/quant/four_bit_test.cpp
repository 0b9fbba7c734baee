// bitsandbytes' 4-bit types. What bitsandbytes itself computes is in the oracles (tests/oracle).
#include <gtest/gtest.h>

#include <cmath>

#include "axl/kernels/quantile_map.hpp"
#include "axl/kernels/table.hpp"
#include "core/rng.hpp"
#include "support/session.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

struct Encoded {
  FourBitType type;
  std::int64_t elements, block;
  std::vector<std::byte> data;
  std::vector<float> absmax;

  Encoded(FourBitType t, const std::vector<float>& x, std::int64_t block_)
      : type(t), elements(std::ssize(x)), block(block_) {
    data.resize(static_cast<std::size_t>(four_bit_bytes(elements)));
    absmax.resize(static_cast<std::size_t>(four_bit_blocks(elements, block)));
    kokkos_table().quantise_four_bit({type, x.data(), elements, block, data.data(), absmax.data()},
                                     session().queue());
  }
  FourBitArray array() const {
    return {type, data.data(), elements, block, {.absmax = absmax.data()}};
  }
};

std::vector<float> some(std::int64_t n) {
  std::vector<float> out;
  for (std::int64_t i = 0; i < n; ++i)
    out.push_back(
        static_cast<float>(0.02 * (2 * random_uniform(3, 1, static_cast<std::uint64_t>(i)) - 1)));
  return out;
}

TEST(FourBit, EveryValueBecomesTheNearestOfSixteen) {
  for (const FourBitType type : {FourBitType::nf4, FourBitType::fp4})
    for (const std::int64_t n : {64, 1961, 4096}) {
      const std::vector<float> x = some(n);
      const Encoded e(type, x, 64);
      std::vector<float> y(x.size());
      decode(e.array(), 0, n, y.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const float scale = e.absmax[i / 64];
        float best = 1e9f;
        for (const float v : codes_of(type).values)
          best = std::min(best, std::abs(v * scale - x[i]));
        EXPECT_NEAR(std::abs(y[i] - x[i]), best, 1e-7f) << i;
      }
    }
}

TEST(FourBit, AnyPieceDecodesAsTheWhole) {
  const std::vector<float> x = some(37 * 53);
  const Encoded e(FourBitType::nf4, x, 64);
  std::vector<float> all(x.size());
  decode(e.array(), 0, std::ssize(x), all.data());
  for (std::int64_t first = 0; first < 130; first += 3)
    for (const std::int64_t count : {0, 1, 2, 53, 64, 200}) {
      std::vector<float> part(static_cast<std::size_t>(count));
      decode(e.array(), first, count, part.data());
      for (std::int64_t i = 0; i < count; ++i)
        ASSERT_EQ(part[static_cast<std::size_t>(i)], all[static_cast<std::size_t>(first + i)]);
    }
}

TEST(FourBit, RowsOfOddLengthBeginInTheMiddleOfAByte) {
  const std::vector<float> x = some(37 * 53);
  const Encoded e(FourBitType::fp4, x, 64);
  std::vector<float> all(x.size()), rows(x.size()), t(x.size());
  decode(e.array(), 0, std::ssize(x), all.data());
  const QuantisedMatrix w{.rows = 37, .columns = 53, .four_bit = e.array()};
  const KernelTable table = kokkos_table();
  table.decode_rows(DecodeRows<float>{w, nullptr, 0, 37, rows.data()}, session().queue());
  EXPECT_EQ(rows, all);
  table.decode_transposed({w, 0, 37, t.data()}, session().queue());
  for (std::size_t r = 0; r < 37; ++r)
    for (std::size_t c = 0; c < 53; ++c) ASSERT_EQ(t[c * 37 + r], all[r * 53 + c]);
}

TEST(FourBit, ZeroBlocksStayZero) {
  std::vector<float> x(256, 0.0f);
  x[200] = 1.0f;
  for (const FourBitType type : {FourBitType::nf4, FourBitType::fp4}) {
    const Encoded e(type, x, 64);
    std::vector<float> y(256, 5.0f);
    decode(e.array(), 0, 256, y.data());
    EXPECT_EQ(y, x);
  }
}

TEST(FourBit, NestedScalesAreCloseToTheScales) {
  const std::vector<float> x = some(64 * 700);
  const Encoded e(FourBitType::nf4, x, 64);
  std::vector<std::uint8_t> codes(e.absmax.size());
  std::vector<float> nested(3);
  FourBitArray array = e.array();
  const float offset = nest_scales(e.absmax.data(), 700, codes.data(), nested.data());
  array.scales = {.codes = codes.data(), .nested_absmax = nested.data(), .offset = offset};
  std::vector<float> plain(x.size()), doubled(x.size());
  decode(e.array(), 0, std::ssize(x), plain.data());
  decode(array, 0, std::ssize(x), doubled.data());
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(doubled[i], plain[i], 0.0005f);
}

}  // namespace
}  // namespace axl::test
