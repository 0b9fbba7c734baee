#include "tokenizer/word_cache.hpp"

#include <algorithm>

#include "tokenizer/hash.hpp"

namespace axl::tokenizer {

void WordCache::insert(std::string_view piece, const char* readable,
                       const std::vector<TokenId>& ids) {
  if (ids.empty()) return;
  if (piece.size() > kText || ids.size() > kIds) {
    insert_long(piece, ids);
    return;
  }
  const Key key = make_key(piece, readable);
  Set& set = sets_[index(key)];
  const auto free = [](const Slot& slot) { return slot.key == Key{}; };
  Slot& slot = *std::find_if(set.begin(), set.end() - 1, free);
  slot.key = key;
  slot.ids.fill(-1);
  std::copy(ids.begin(), ids.end(), slot.ids.begin());
}

bool WordCache::find_long(std::string_view piece, IdWriter& out) const {
  if (piece.size() > kLongest) return false;
  const std::uint64_t hash = hash_bytes(piece);
  const LongSlot& slot = long_slots_[hash & (kLongSlots - 1)];
  if (slot.hash != hash || slot.length != piece.size()) return false;
  if (std::memcmp(texts_.data() + slot.text, piece.data(), piece.size()) != 0) return false;
  out.put(long_ids_.data() + slot.ids, slot.count);
  return true;
}

void WordCache::insert_long(std::string_view piece, const std::vector<TokenId>& ids) {
  if (piece.size() > kLongest) return;
  if (texts_.size() + piece.size() > kArena) {
    texts_.clear();
    long_ids_.clear();
    long_slots_.assign(kLongSlots, LongSlot{});
  }
  const std::uint64_t hash = hash_bytes(piece);
  long_slots_[hash & (kLongSlots - 1)] = {
      hash, static_cast<std::uint32_t>(texts_.size()), static_cast<std::uint32_t>(long_ids_.size()),
      static_cast<std::uint16_t>(piece.size()), static_cast<std::uint16_t>(ids.size())};
  texts_ += piece;
  long_ids_.insert(long_ids_.end(), ids.begin(), ids.end());
}

}  // namespace axl::tokenizer
