#pragma once
#include <cstdint>
#include <span>

namespace axl::model {

/// Documents one after another, without padding; borrowed. targets may be empty (inference).
struct Batch {
  std::span<const std::int32_t> ids;         ///< (T)
  std::span<const std::int32_t> targets;     ///< (T), negative = no loss
  std::span<const std::int32_t> positions;   ///< (T), restart at 0 in every document
  std::span<const std::int32_t> cu_seqlens;  ///< documents + 1
  /// Key of this micro-batch's dropout masks; 0 = evaluation, no dropout.
  std::uint64_t dropout_key = 0;
  /// Positions that dynamic rope scaling reckons with; 0 = as many as this batch's own.
  std::int64_t context = 0;
  std::int64_t tokens() const { return static_cast<std::int64_t>(ids.size()); }
  std::int64_t documents() const { return static_cast<std::int64_t>(cu_seqlens.size()) - 1; }
};

}  // namespace axl::model
