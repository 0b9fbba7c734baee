#include "data/packing.hpp"

#include <algorithm>
#include <bit>

#include "core/error.hpp"

namespace axl::data {
namespace {

/// A set of integers in [0, size) with "smallest member >= x": a 64-ary tree of bitmaps.
class IntegerSet {
 public:
  explicit IntegerSet(std::size_t size) {
    do {
      size = (size + 63) / 64;
      levels_.emplace_back(size, 0);
    } while (size > 1);
  }
  void insert(std::size_t x) {
    for (auto& level : levels_) {
      std::uint64_t& word = level[x / 64];
      const bool was_empty = word == 0;
      word |= std::uint64_t{1} << (x % 64);
      if (!was_empty) return;
      x /= 64;
    }
  }
  void erase(std::size_t x) {
    for (auto& level : levels_) {
      std::uint64_t& word = level[x / 64];
      word &= ~(std::uint64_t{1} << (x % 64));
      if (word != 0) return;
      x /= 64;
    }
  }
  /// npos when there is none.
  std::size_t at_least(std::size_t x) const {
    for (std::size_t depth = 0; depth < levels_.size(); ++depth) {
      if (x / 64 >= levels_[depth].size()) return npos;
      const std::uint64_t rest = levels_[depth][x / 64] & (~std::uint64_t{0} << (x % 64));
      if (rest != 0) {
        x = (x / 64) * 64 + static_cast<std::size_t>(std::countr_zero(rest));
        while (depth > 0)  // down again, always to the first set bit
          x = x * 64 + static_cast<std::size_t>(std::countr_zero(levels_[--depth][x]));
        return x;
      }
      x = x / 64 + 1;
    }
    return npos;
  }
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

 private:
  std::vector<std::vector<std::uint64_t>> levels_;
};

void check(std::span<const std::int32_t> lengths, std::int64_t capacity, std::int64_t bin_size) {
  AXL_CHECK(capacity > 0 && bin_size > 0, "packing: capacity and bin size must be positive");
  for (const std::int32_t n : lengths)
    AXL_CHECK(n >= 0 && n <= capacity, "packing: a row is longer than a sequence");
}

/// Positions by decreasing length, stable: counting sort.
std::vector<std::int64_t> by_decreasing_length(std::span<const std::int32_t> lengths,
                                               std::size_t capacity) {
  std::vector<std::int64_t> start(capacity + 2, 0);
  for (const std::int32_t n : lengths) ++start[capacity - static_cast<std::size_t>(n) + 1];
  for (std::size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
  std::vector<std::int64_t> order(lengths.size());
  for (std::size_t i = 0; i < lengths.size(); ++i)
    order[static_cast<std::size_t>(start[capacity - static_cast<std::size_t>(lengths[i])]++)] =
        static_cast<std::int64_t>(i);
  return order;
}

}  // namespace

std::vector<Bin> pack_best_fit(std::span<const std::int32_t> lengths, std::int64_t capacity,
                               std::int64_t bin_size) {
  check(lengths, capacity, bin_size);
  const std::size_t cap = static_cast<std::size_t>(capacity);
  std::vector<Bin> bins;
  IntegerSet rooms(cap + 1);
  std::vector<std::vector<std::size_t>> open(cap + 1);  // bins by the room they have left
  for (const std::int64_t item : by_decreasing_length(lengths, cap)) {
    const std::size_t length = static_cast<std::size_t>(lengths[static_cast<std::size_t>(item)]);
    std::size_t room = rooms.at_least(length);
    std::size_t bin;
    if (room == IntegerSet::npos) {
      bin = bins.size();
      bins.emplace_back();
      room = cap;
    } else {
      bin = open[room].back();
      open[room].pop_back();
      if (open[room].empty()) rooms.erase(room);
    }
    bins[bin].push_back(item);
    const std::size_t left = room - length;
    if (static_cast<std::int64_t>(bins[bin].size()) < bin_size) {
      if (open[left].empty()) rooms.insert(left);
      open[left].push_back(bin);
    }
  }
  return bins;
}

std::vector<Bin> pack_in_order(std::span<const std::int32_t> lengths, std::int64_t capacity,
                               std::int64_t bin_size) {
  check(lengths, capacity, bin_size);
  std::vector<Bin> bins;
  std::int64_t used = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (bins.empty() || used + lengths[i] > capacity ||
        static_cast<std::int64_t>(bins.back().size()) >= bin_size) {
      bins.emplace_back();
      used = 0;
    }
    bins.back().push_back(static_cast<std::int64_t>(i));
    used += lengths[i];
  }
  return bins;
}

}  // namespace axl::data
