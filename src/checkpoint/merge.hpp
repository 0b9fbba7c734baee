#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "checkpoint/export.hpp"
#include "quant/frozen_matrix.hpp"

namespace axl::checkpoint {

struct MergeOptions {
  /// Absent: every tensor keeps the base's type (block formats of a GGUF base become BF16).
  std::optional<weights::Storage> dtype;
  /// The adapter was trained over a base in 4 bits: it is folded into what that computed with, not
  /// into the values of the files.
  std::optional<quant::FourBitOptions> four_bit;
  std::int64_t max_shard_bytes = 5'000'000'000;
  bool overwrite = false;
  ExportProgress progress;  ///< phase "merge"
};

struct MergeSummary {
  std::int64_t merged = 0;    ///< tensors that LoRA changed
  std::int64_t replaced = 0;  ///< tensors that the adapter holds in full
  std::int64_t four_bit = 0;  ///< tensors that went through 4 bits
  std::int64_t tensors = 0;
  std::int64_t bytes = 0;
};

/// Folds an adapter of PEFT's format into its base model and writes a Hugging Face folder:
///   W' = W + scaling * B A   (Hu et al. 2021, arXiv:2106.09685), summed in float, rounded once.
/// Works through one tensor at a time in pieces, so memory use does not grow with the model. When a
/// tied embedding or head changes, both are written and the result is no longer tied, as the model
/// with its adapter computes. Error{input} when the adapter does not fit the base.
MergeSummary merge_adapter(const std::string& base, const std::string& adapter,
                           const std::string& target, const MergeOptions& options);

}  // namespace axl::checkpoint
