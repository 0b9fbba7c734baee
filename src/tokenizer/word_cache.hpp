#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {

/// Remembers the ids of pieces that were encoded before. Both tables have a fixed size and simply
/// overwrite, so memory is bounded and nothing is rehashed. Pieces of up to 15 bytes and 4 ids
/// (nearly all of them) take one 32-byte slot: a hit costs one cache line and no call.
class WordCache {
 public:
  WordCache() : slots_(kSlots), long_slots_(kLongSlots) {}

  /// Appends the ids and returns true on a hit.
  bool find(std::string_view piece, std::vector<TokenId>& out) const {
    if (piece.size() > kText) return find_long(piece, out);
    const Key key = make_key(piece);
    const Slot* slot = &slots_[index(key)];
    if (slot->key != key) {
      slot += 1;
      if (slot->key != key) return false;
    }
    const std::size_t before = out.size();
    if (slot->ids[1] < 0) {
      out.push_back(slot->ids[0]);
      return true;
    }
    const std::size_t n = 2U + (slot->ids[2] >= 0) + (slot->ids[3] >= 0);
    out.resize(before + n);
    std::memcpy(out.data() + before, slot->ids.data(), n * sizeof(TokenId));
    return true;
  }

  /// Remembers `count` ids of `piece`; does nothing for what is too long to be worth it.
  void insert(std::string_view piece, const TokenId* ids, std::size_t count) {
    if (count == 0) return;
    if (piece.size() > kText) {
      insert_long(piece, ids, count);
      return;
    }
    if (count > kIds) return;
    const Key key = make_key(piece);
    Slot* set = &slots_[index(key)];
    set[1] = set[0];  // the older of the two gives way
    set[0].key = key;
    set[0].ids.fill(-1);
    std::memcpy(set[0].ids.data(), ids, count * sizeof(TokenId));
  }

 private:
  static constexpr std::size_t kText = 15;
  static constexpr std::size_t kIds = 4;
  static constexpr std::size_t kSlots = std::size_t{1} << 16;
  static constexpr std::size_t kLongSlots = std::size_t{1} << 13;
  static constexpr std::size_t kLongest = 256;                 // bytes of a piece
  static constexpr std::size_t kArena = std::size_t{1} << 20;  // bytes of long texts

  /// The text padded with zeros and its length in the last byte; length 0 marks a free slot.
  struct Key {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Key&) const = default;
  };
  struct alignas(32) Slot {
    Key key;
    std::array<TokenId, kIds> ids{};
  };
  struct LongSlot {
    std::uint64_t hash = 0;
    std::uint32_t text = 0;
    std::uint32_t ids = 0;
    std::uint16_t length = 0;
    std::uint16_t count = 0;
  };

  template <class T>
  static std::uint64_t load(const char* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }
  static Key make_key(std::string_view piece) {
    const char* p = piece.data();
    const std::size_t n = piece.size();
    Key key;
    if (n > 8) {
      key.low = load<std::uint64_t>(p);
      key.high = load<std::uint64_t>(p + n - 8) >> (8 * (16 - n));
    } else if (n == 8) {
      key.low = load<std::uint64_t>(p);
    } else if (n >= 4) {
      key.low = load<std::uint32_t>(p) | load<std::uint32_t>(p + n - 4) << (8 * (n - 4));
    } else {
      for (std::size_t i = 0; i < n; ++i)
        key.low |= static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
    }
    key.high |= static_cast<std::uint64_t>(n) << 56;
    return key;
  }
  static std::size_t index(const Key& key) {
    std::uint64_t h = (key.low ^ (key.high >> 29)) * 0x9E3779B97F4A7C15U;
    h = (h ^ (h >> 32) ^ key.high) * 0xD6E8FEB86659FD93U;
    return (h >> 49) << 1;  // first slot of a set of two
  }
  bool find_long(std::string_view piece, std::vector<TokenId>& out) const;
  void insert_long(std::string_view piece, const TokenId* ids, std::size_t count);

  std::vector<Slot> slots_;
  std::vector<LongSlot> long_slots_;
  std::string texts_;
  std::vector<TokenId> long_ids_;
};
static_assert(sizeof(TokenId) == 4);

}  // namespace axl::tokenizer
