#include "tokenizer/models/pair_table.hpp"

#include <algorithm>

namespace axl::tokenizer {
namespace {

constexpr int kFewestIdBits = 8;
constexpr int kMostTagBits = 30;  // a displaced tag is never kFree

}  // namespace

PairTable::PairTable(const std::vector<Merge>& merges, std::int64_t end_id)
    : id_bits_(std::max(kFewestIdBits,
                        static_cast<int>(std::bit_width(static_cast<std::uint64_t>(end_id))))) {
  // Two to four pairs a bucket: then hardly any bucket is full.
  int bits = std::max(1, static_cast<int>(std::bit_width(merges.size())) - 2);
  bits = std::max(bits, 2 * id_bits_ - kMostTagBits);
  while (!fill(merges, bits)) ++bits;
}

bool PairTable::fill(const std::vector<Merge>& merges, int bucket_bits) {
  const int pair_bits = 2 * id_bits_;
  bucket_bits_ = bucket_bits;
  bucket_shift_ = 64 - bucket_bits;
  spare_bits_ = 64 - pair_bits;
  tag_shift_ = 64 - (pair_bits - bucket_bits);
  mask_ = (std::size_t{1} << bucket_bits) - 1;
  Bucket empty;
  std::fill(std::begin(empty.tags), std::end(empty.tags), kFree);
  std::fill(std::begin(empty.ranks), std::end(empty.ranks), kNone);
  buckets_.assign(mask_ + 1, empty);
  constexpr std::size_t kAhead = 16;  // pairs whose buckets are being fetched
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    if (rank + kAhead < merges.size()) {
      const Merge& later = merges[rank + kAhead];
      __builtin_prefetch(&buckets_[place(later.first, later.second).bucket]);
    }
    if (!insert(place(merges[rank].first, merges[rank].second), static_cast<std::uint32_t>(rank)))
      return false;
  }
  return true;
}

/// False when the pair's bucket and the one behind it are full.
bool PairTable::insert(const Place& at, std::uint32_t rank) {
  for (const bool displaced : {false, true}) {
    Bucket& b = buckets_[(at.bucket + (displaced ? 1 : 0)) & mask_];
    const std::uint32_t tag = displaced ? at.tag | kDisplaced : at.tag;
    for (std::size_t i = 0; i < kWidth; ++i) {
      if (b.tags[i] != kFree && b.tags[i] != tag) continue;
      b.tags[i] = tag;
      b.ranks[i] = rank;
      return true;
    }
  }
  return false;
}

}  // namespace axl::tokenizer
