#include "data/packing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include "core/rng.hpp"

namespace axl::data {
namespace {

std::vector<std::int32_t> random_lengths(std::size_t n, std::int32_t longest, std::uint64_t seed) {
  std::vector<std::int32_t> out(n);
  for (std::size_t i = 0; i < n; ++i)
    out[i] = 1 + static_cast<std::int32_t>(
                     random_below(static_cast<std::uint64_t>(longest), seed, 7, i));
  return out;
}

/// Every item once, no bin too full or too large; gives the tokens packed.
std::int64_t check_bins(const std::vector<Bin>& bins, const std::vector<std::int32_t>& lengths,
                        std::int64_t capacity, std::int64_t bin_size) {
  std::set<std::int64_t> seen;
  std::int64_t total = 0;
  for (const Bin& bin : bins) {
    EXPECT_FALSE(bin.empty());
    EXPECT_LE(static_cast<std::int64_t>(bin.size()), bin_size);
    std::int64_t used = 0;
    for (const std::int64_t item : bin) {
      EXPECT_TRUE(seen.insert(item).second) << "item " << item << " packed twice";
      used += lengths[static_cast<std::size_t>(item)];
    }
    EXPECT_LE(used, capacity);
    total += used;
  }
  EXPECT_EQ(seen.size(), lengths.size());
  return total;
}

TEST(Packing, FillsTheExampleOfTheFormatNotes) {
  const std::vector<std::int32_t> lengths{10, 10, 6, 5, 1};
  const auto bins = pack_best_fit(lengths, 16, 200);
  ASSERT_EQ(bins.size(), 2U);
  EXPECT_EQ(bins[1], (Bin{1, 2}));
  EXPECT_EQ(bins[0], (Bin{0, 3, 4}));
}

TEST(Packing, PutsEveryRowIntoExactlyOneBinForManySizes) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const std::size_t n = random_below(400, seed, 1, 0) + 1;
    const std::int64_t capacity = static_cast<std::int64_t>(random_below(3000, seed, 1, 1)) + 1;
    const std::int64_t members = static_cast<std::int64_t>(random_below(12, seed, 1, 2)) + 1;
    const auto lengths = random_lengths(n, static_cast<std::int32_t>(capacity), seed);
    check_bins(pack_best_fit(lengths, capacity, members), lengths, capacity, members);
    check_bins(pack_in_order(lengths, capacity, members), lengths, capacity, members);
  }
}

TEST(Packing, BestFitIsWithinElevenNinthsOfTheLowerBound) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto lengths = random_lengths(2000, 400, seed);
    const auto bins = pack_best_fit(lengths, 1000, 1000);
    const std::int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
    const double bound = std::ceil(static_cast<double>(tokens) / 1000.0);
    EXPECT_LE(static_cast<double>(bins.size()), 11.0 / 9.0 * bound + 1.0);
    EXPECT_GE(static_cast<double>(tokens) / (1000.0 * static_cast<double>(bins.size())), 0.98);
  }
}

TEST(Packing, BestFitNeverNeedsMoreBinsThanNextFit) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto lengths = random_lengths(300, 512, seed);
    EXPECT_LE(pack_best_fit(lengths, 512, 300).size(), pack_in_order(lengths, 512, 300).size());
  }
}

TEST(Packing, OrderIsKeptByNextFit) {
  const auto lengths = random_lengths(100, 50, 3);
  std::int64_t expected = 0;
  for (const Bin& bin : pack_in_order(lengths, 64, 10))
    for (const std::int64_t item : bin) EXPECT_EQ(item, expected++);
}

TEST(Packing, BinCountDoesNotDependOnTheOrderOfTheRows) {
  auto lengths = random_lengths(500, 700, 5);
  const std::size_t bins = pack_best_fit(lengths, 1024, 500).size();
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    shuffle(lengths, seed, 0);
    EXPECT_EQ(pack_best_fit(lengths, 1024, 500).size(), bins);
  }
}

TEST(Packing, OneMillionRowsTakeFarLessThanQuadraticTime) {
  const auto lengths = random_lengths(1000000, 2048, 11);
  const auto bins = pack_best_fit(lengths, 2048, 200);
  check_bins(bins, lengths, 2048, 200);
}

TEST(Packing, RefusesARowThatCannotFit) {
  const std::vector<std::int32_t> lengths{3, 17};
  EXPECT_ANY_THROW(pack_best_fit(lengths, 16, 4));
}

TEST(Rng, PhiloxGivesThePublishedVectors) {
  using Block = std::array<std::uint32_t, 4>;
  // Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, BoundedDrawsAreInRangeAndEven) {
  std::array<int, 7> hits{};
  for (std::uint64_t i = 0; i < 70000; ++i) ++hits.at(random_below(7, 1, 2, i));
  for (const int h : hits) EXPECT_NEAR(h, 10000, 400);
  EXPECT_EQ(random_below(1, 5, 5, 5), 0U);
}

TEST(Rng, ShuffleIsAPermutationThatDependsOnSeedAndStreamOnly) {
  std::vector<int> a(1000), b(1000), c(1000);
  for (auto* v : {&a, &b, &c}) std::iota(v->begin(), v->end(), 0);
  shuffle(a, 42, 1);
  shuffle(b, 42, 1);
  shuffle(c, 42, 2);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  std::sort(a.begin(), a.end());
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(a[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace axl::data
