#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "data/dataset.hpp"

namespace axl::train {

/// One rank's share of an optimiser step.
struct StepBatches {
  /// At most gradient_accumulation_steps; fewer (or none) where the rows of an epoch or of a stream
  /// come to an end.
  std::vector<data::MicroBatch> micro;
  std::int64_t label_tokens = 0;  ///< of all ranks and micro-batches of the step
  std::int64_t filled = 0;        ///< micro-batches of all ranks
  std::int64_t rows = 0;          ///< of all ranks and micro-batches; of prepared rows only
  /// There is no such step: the rows have ended, or cannot be read. The same on every rank.
  std::optional<Error> failure;
};

/// How much there is to train on: exact for prepared rows; for a stream what its first rows say.
struct BatchSizes {
  std::int64_t rows = 0;
  std::int64_t tokens_per_epoch = 0, label_tokens_per_epoch = 0;
  double attended_pairs_per_epoch = 0;  ///< of a token and one that it sees
  double packing_efficiency = 0;        ///< 0: rows are not packed
};

/// Pairs of a token and one that it sees, itself or an earlier one, in a document.
inline double attended_pairs(double length) { return length * (length + 1) / 2; }

/// Where the micro-batches of a run come from: rows prepared beforehand, or a stream of them.
class BatchSource {
 public:
  BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;
  virtual ~BatchSource() = default;

  virtual std::int64_t total_steps() const = 0;
  virtual std::int64_t steps_per_epoch() const = 0;
  virtual double epoch_at(std::int64_t step) const = 0;  ///< epochs done after `step` steps
  virtual std::int64_t max_tokens_per_micro_batch() const = 0;
  virtual std::int64_t max_tokens_per_pass() const = 0;
  virtual BatchSizes sizes() = 0;

  /// The batches of step `index` (from 0). Collective; steps are asked for in order.
  virtual StepBatches step(std::int64_t index) = 0;

  /// What the rows and their order depend on, hashed.
  virtual std::uint64_t fingerprint() const = 0;
  /// Where all ranks stand after the last step; "" when the step number says it. Collective.
  virtual std::string position() const = 0;
  /// Goes on at a saved position(), which came with `fingerprint`. Collective.
  virtual void resume(const std::string& position, std::uint64_t fingerprint) = 0;
  /// Tells the log what became of the rows that were read so far.
  virtual void report() const {}
};

}  // namespace axl::train
