#include "tokenizer/models/pair_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace axl::tokenizer {
namespace {

/// Every pair has its last rank, and no other pair is found.
void check(const std::vector<Merge>& merges, std::int32_t end_id) {
  const PairTable table(merges, end_id);
  std::map<Merge, std::uint32_t> wanted;
  for (std::size_t rank = 0; rank < merges.size(); ++rank)
    wanted[merges[rank]] = static_cast<std::uint32_t>(rank);
  for (const auto& [pair, rank] : wanted)
    ASSERT_EQ(table.find(pair.first, pair.second), rank) << pair.first << " " << pair.second;
  std::mt19937 random(3);
  std::uniform_int_distribution<std::int32_t> id(0, end_id - 1);
  for (int i = 0; i < 20000; ++i) {
    const Merge pair{id(random), id(random)};
    const auto known = wanted.find(pair);
    ASSERT_EQ(table.find(pair.first, pair.second),
              known == wanted.end() ? PairTable::kNone : known->second);
  }
}

std::vector<Merge> random_merges(std::size_t count, std::int32_t end_id) {
  std::mt19937 random(5);
  std::uniform_int_distribution<std::int32_t> id(0, end_id - 1);
  std::vector<Merge> merges;
  for (std::size_t i = 0; i < count; ++i) merges.push_back({id(random), id(random)});
  return merges;
}

TEST(PairTable, FindsWhatWasPutIn) {
  check({}, 1);
  check({{0, 0}}, 1);
  check({{1, 2}, {2, 1}, {1, 2}}, 3);
  check(random_merges(300, 512), 512);
  check(random_merges(60000, 50000), 50000);
}

TEST(PairTable, TakesTheHighestIds) {
  const std::int32_t end_id = 1 << 24;
  check({{end_id - 1, end_id - 1}, {0, end_id - 1}, {end_id - 1, 0}}, end_id);
}

TEST(PairTable, EveryPairOfAFewIds) {  // every bucket is as full as it gets
  std::vector<Merge> merges;
  for (std::int32_t left = 0; left < 200; ++left)
    for (std::int32_t right = 0; right < 200; ++right) merges.push_back({left, right});
  check(merges, 200);
}

}  // namespace
}  // namespace axl::tokenizer
