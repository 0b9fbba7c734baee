#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.hpp"

namespace axl::data {

struct BatchPlanOptions {
  std::int64_t micro_batch_size = 1;
  std::int64_t gradient_accumulation_steps = 1;
  std::int64_t world_size = 1;  ///< data-parallel ranks
  std::int64_t sequence_len = 512;
  bool sample_packing = false;
  std::int64_t bin_size = 200;  ///< most rows in one packed sequence
  std::int64_t group_size = 100000;
  bool sequential = false;  ///< curriculum_sampling: file order
  std::int64_t seed = 42;
  double num_epochs = 1.0;
  std::int64_t max_steps = -1;  ///< < 0: from num_epochs
};

/// Which rows every rank reads in every step: a pure function of (lengths, options), so that any
/// rank can compute any step, the step count is exact before step 0, and resuming needs no state
/// but the step number. World 1 x 4 accumulation steps reads the same rows per optimiser step as
/// world 4 x 1.
class BatchPlan {
 public:
  BatchPlan(std::vector<std::int32_t> lengths, const BatchPlanOptions& options);
  std::int64_t total_steps() const;
  std::int64_t steps_per_epoch() const;
  double epoch_at(std::int64_t step) const;         ///< epochs done after `step` optimiser steps
  std::int64_t max_tokens_per_micro_batch() const;  ///< bound for the activation arena
  double packing_efficiency() const;  ///< tokens / (sequences * sequence_len), first epoch
  /// Row indices of micro-batch `micro` (0 .. accumulation-1) of `step` (0-based) on `rank`; empty
  /// when the last step of an epoch is short: the rank then contributes zero label tokens.
  std::vector<std::int64_t> rows(std::int64_t step, std::int64_t rank, std::int64_t micro) const;
  /// Label tokens of all ranks and micro-batches of `step` (needs the dataset for counts).
  std::int64_t global_label_tokens(std::int64_t step, const PreparedDataset& dataset) const;
  const BatchPlanOptions& options() const { return options_; }

 private:
  struct Epoch {
    std::int64_t number = -1;
    std::vector<std::vector<std::int64_t>> sequences;  ///< rows packed together
  };
  const Epoch& epoch(std::int64_t number) const;
  std::vector<std::int32_t> lengths_;
  BatchPlanOptions options_;
  std::int64_t sequences_per_epoch_ = 0;
  mutable Epoch cached_;
};

/// Adds one document; its labels are shifted, so that position i has the label of i + 1. `batch`
/// begins with cu_seqlens {0}.
void append_document(MicroBatch& batch, std::span<const TokenId> ids,
                     std::span<const TokenId> labels);

/// Replaces input tokens that are not themselves learned by `replacement`, each with probability
/// `rate`, as `key` decides: token dropout, after word dropout (Bowman et al. 2016,
/// arXiv:1511.06349). Targets stay as they are.
void drop_tokens(MicroBatch& batch, TokenId replacement, double rate, std::uint64_t key);

/// Concatenates rows into a micro-batch, shifting labels inside each document.
MicroBatch make_micro_batch(const PreparedDataset& dataset, const std::vector<std::int64_t>& rows,
                            RowLayout layout = RowLayout::document);

}  // namespace axl::data
