#pragma once
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "tokenizer/large_pages.hpp"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace axl::tokenizer {

/// A merge of two tokens, as ids.
using Merge = std::pair<std::int32_t, std::int32_t>;

/// Pair of token ids -> rank of its merge, in buckets of one cache line with eight pairs each.
///
/// A pair of ids below 2^n is a number of 2n bits. Multiplied by an odd constant modulo 2^(2n),
/// which can be undone, its high bits choose the bucket and the rest is the tag: bucket and tag
/// together are the pair, so that 32 bits a pair are enough and no lookup is ever wrong.
class PairTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFU;

  PairTable() : PairTable({}, 1) {}
  /// Pairs in order of rank, of ids below `end_id`. A pair that comes twice has its last rank.
  PairTable(const std::vector<Merge>& merges, std::int64_t end_id);

  /// kNone when the pair is not there. Both ids are below end_id.
  std::uint32_t find(std::int32_t left, std::int32_t right) const {
    const Place at = place(left, right);
    const Bucket& home = buckets_[at.bucket];
    const std::uint32_t hits = matches(home, at.tag);
    if (hits != 0 || home.tags[kWidth - 1] == kFree) [[likely]]
      return rank_of(home, hits);
    const Bucket& next = buckets_[(at.bucket + 1) & mask_];
    return rank_of(next, matches(next, at.tag | kDisplaced));
  }

 private:
  static constexpr std::size_t kWidth = 8;
  static constexpr std::uint32_t kFree = 0xFFFFFFFFU;
  static constexpr std::uint32_t kDisplaced = 0x80000000U;  // the home bucket was full
  struct alignas(64) Bucket {
    std::uint32_t tags[kWidth];
    std::uint32_t ranks[kWidth];
  };
  struct Place {
    std::size_t bucket;
    std::uint32_t tag;
  };

  Place place(std::int32_t left, std::int32_t right) const {
    const std::uint64_t pair = static_cast<std::uint64_t>(static_cast<std::uint32_t>(left))
                                   << id_bits_ |
                               static_cast<std::uint32_t>(right);
    const std::uint64_t mixed = (pair * 0x9E3779B97F4A7C15U) << spare_bits_;
    return {static_cast<std::size_t>(mixed >> bucket_shift_),
            static_cast<std::uint32_t>(mixed << bucket_bits_ >> tag_shift_)};
  }
  static std::uint32_t matches(const Bucket& b, std::uint32_t tag) {
#ifdef __AVX2__
    const __m256i tags = _mm256_load_si256(reinterpret_cast<const __m256i*>(b.tags));
    const __m256i equal = _mm256_cmpeq_epi32(tags, _mm256_set1_epi32(static_cast<int>(tag)));
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(equal)));
#else
    std::uint32_t hits = 0;
    for (std::size_t i = 0; i < kWidth; ++i)
      hits |= static_cast<std::uint32_t>(b.tags[i] == tag) << i;
    return hits;
#endif
  }
  /// Without a branch, which would be mispredicted half of the time.
  static std::uint32_t rank_of(const Bucket& b, std::uint32_t hits) {
    const std::uint32_t none = hits == 0 ? kNone : 0U;
    return b.ranks[static_cast<std::size_t>(std::countr_zero(hits | 0x80U))] | none;
  }
  bool fill(const std::vector<Merge>& merges, int bucket_bits);
  bool insert(const Place& at, std::uint32_t rank);

  LargeTable<Bucket> buckets_;
  std::size_t mask_ = 0;
  int id_bits_;
  int bucket_bits_ = 0;
  int spare_bits_ = 0;    // of 64, above the pair's
  int bucket_shift_ = 0;  // of a mixed pair at the top of 64 bits
  int tag_shift_ = 0;
};

}  // namespace axl::tokenizer
