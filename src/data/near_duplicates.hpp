#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/dataset.hpp"

namespace axl::data {

/// Finds rows that say almost the same as an earlier one: MinHash over runs of five tokens
/// (Broder 1997, "On the resemblance and containment of documents") with 64 hashes, banded for
/// candidates, each of which is checked by the exact Jaccard similarity of the two rows.
class NearDuplicates {
 public:
  explicit NearDuplicates(double threshold);
  ~NearDuplicates();
  NearDuplicates(const NearDuplicates&) = delete;
  NearDuplicates& operator=(const NearDuplicates&) = delete;
  /// True when an earlier row is at least `threshold` similar; otherwise `tokens`, which must
  /// outlive this, is one of the rows that later ones are held against.
  bool is_duplicate(std::span<const TokenId> tokens);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axl::data
