#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/id_writer.hpp"
#include "tokenizer/large_pages.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {

/// Remembers the ids of pieces that were encoded before. Both tables have a fixed size and simply
/// overwrite, so memory is bounded and nothing is rehashed. Pieces of up to 15 bytes and 4 ids
/// (nearly all of them) take a 32-byte slot of a set of four. What is new goes to the last slot of
/// its set and moves forward each time that it is found: words that are seen once only push each
/// other out, and frequent ones cost one cache line.
class WordCache {
 public:
  WordCache() : sets_(kSets), long_slots_(kLongSlots) {}

  /// Appends the ids and returns true on a hit. Memory may be read up to `readable`.
  bool find(std::string_view piece, const char* readable, IdWriter& out) {
    if (piece.size() > kText) [[unlikely]]
      return find_long(piece, out);
    const Key key = make_key(piece, readable);
    Set& set = sets_[index(key)];
    if (set[0].key == key) [[likely]] {
      out.put_group(set[0].ids.data(), count(set[0].ids));
      return true;
    }
    for (std::size_t i = 1; i < set.size(); ++i) {
      if (set[i].key != key) continue;
      out.put_group(set[i].ids.data(), count(set[i].ids));
      std::swap(set[i], set[i - 1]);
      return true;
    }
    return find_long(piece, out);  // it may have too many ids for a slot
  }

  /// Remembers the ids of `piece`; does nothing for what is too long to be worth it.
  void insert(std::string_view piece, const char* readable, const std::vector<TokenId>& ids);

 private:
  static constexpr std::size_t kText = 15;
  static constexpr std::size_t kIds = IdWriter::kGroup;
  static constexpr int kSetBits = 15;
  static constexpr std::size_t kSets = std::size_t{1} << kSetBits;
  static constexpr std::size_t kLongSlots = std::size_t{1} << 14;
  static constexpr std::size_t kLongest = 256;                 // bytes of a piece
  static constexpr std::size_t kArena = std::size_t{1} << 20;  // bytes of long texts

  /// The text padded with zeros and its length in the last byte; length 0 marks a free slot.
  struct Key {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Key&) const = default;
  };
  using Ids = std::array<TokenId, kIds>;
  struct Slot {
    Key key;
    Ids ids{};  ///< -1 behind the last
  };
  struct alignas(64) Set : std::array<Slot, 4> {};
  struct LongSlot {
    std::uint64_t hash = 0;
    std::uint32_t text = 0;
    std::uint32_t ids = 0;
    std::uint16_t length = 0;
    std::uint16_t count = 0;
  };

  static std::size_t count(const Ids& ids) {
    return 1U + (ids[1] >= 0) + (ids[2] >= 0) + (ids[3] >= 0);
  }
  static Key make_key(std::string_view piece, const char* readable) {
    const std::size_t n = piece.size();
    char copy[sizeof(Key)] = {};
    const char* p = piece.data();
    if (readable - p < static_cast<std::ptrdiff_t>(sizeof(Key))) [[unlikely]] {
      std::memcpy(copy, p, n);
      p = copy;
    }
    Key key;
    std::memcpy(&key, p, sizeof key);
    key.low &= kMasks[n].low;
    key.high = (key.high & kMasks[n].high) | static_cast<std::uint64_t>(n) << 56;
    return key;
  }
  static std::size_t index(const Key& key) {
    const std::uint64_t h = (key.low + key.high * 0xD6E8FEB86659FD93U) * 0x9E3779B97F4A7C15U;
    return h >> (64 - kSetBits);
  }
  static constexpr std::array<Key, kText + 1> make_masks() {
    std::array<Key, kText + 1> masks{};
    for (std::size_t n = 0; n <= kText; ++n) {
      masks[n].low = n >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * n)) - 1;
      masks[n].high = n <= 8 ? 0 : (std::uint64_t{1} << (8 * (n - 8))) - 1;
    }
    return masks;
  }
  static const std::array<Key, kText + 1> kMasks;  // the bytes of a text of n bytes

  bool find_long(std::string_view piece, IdWriter& out) const;
  void insert_long(std::string_view piece, const std::vector<TokenId>& ids);

  LargeTable<Set> sets_;
  std::vector<LongSlot> long_slots_;
  std::string texts_;
  std::vector<TokenId> long_ids_;
};
inline constexpr std::array<WordCache::Key, WordCache::kText + 1> WordCache::kMasks =
    WordCache::make_masks();
static_assert(sizeof(TokenId) == 4);

}  // namespace axl::tokenizer
