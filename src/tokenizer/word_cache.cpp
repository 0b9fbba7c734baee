#include "tokenizer/word_cache.hpp"

#include "tokenizer/hash.hpp"

namespace axl::tokenizer {

bool WordCache::find_long(std::string_view piece, std::vector<TokenId>& out) const {
  if (piece.size() > kLongest) return false;
  const std::uint64_t hash = hash_bytes(piece);
  const LongSlot& slot = long_slots_[hash & (kLongSlots - 1)];
  if (slot.hash != hash || slot.length != piece.size()) return false;
  if (std::memcmp(texts_.data() + slot.text, piece.data(), piece.size()) != 0) return false;
  const auto first = long_ids_.begin() + static_cast<std::ptrdiff_t>(slot.ids);
  out.insert(out.end(), first, first + slot.count);
  return true;
}

void WordCache::insert_long(std::string_view piece, const TokenId* ids, std::size_t count) {
  if (piece.size() > kLongest) return;
  if (texts_.size() + piece.size() > kArena) {
    texts_.clear();
    long_ids_.clear();
    long_slots_.assign(kLongSlots, LongSlot{});
  }
  const std::uint64_t hash = hash_bytes(piece);
  long_slots_[hash & (kLongSlots - 1)] = {
      hash, static_cast<std::uint32_t>(texts_.size()), static_cast<std::uint32_t>(long_ids_.size()),
      static_cast<std::uint16_t>(piece.size()), static_cast<std::uint16_t>(count)};
  texts_ += piece;
  long_ids_.insert(long_ids_.end(), ids, ids + count);
}

}  // namespace axl::tokenizer
