#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "config/config.hpp"
#include "model/decoder.hpp"
#include "optim/optimizer.hpp"
#include "parallel/comm.hpp"
#include "train/batch_source.hpp"
#include "train/best_evaluation.hpp"

namespace axl::train {

/// Everything that a step depends on besides the inputs of the run: the trained parameters, the
/// optimiser's state, the number of steps done and, of a stream, every rank's position. Prepared
/// rows and random numbers are functions of the step (data/batch_plan.hpp, dropout keys), so they
/// need no state of their own.
class ResumableState {
 public:
  ResumableState(const config::Config& config, const parallel::Comm& comm, model::Decoder& model,
                 const optim::Optimizer& optimizer, BatchSource& batches, BestEvaluation& best,
                 std::string base_fingerprint);
  /// Collective. Writes output_dir/checkpoint-STEP; `weights_only` leaves out what resuming needs.
  void save(std::int64_t step, const checkpoint::WeightsWriter& write_weights,
            bool weights_only) const;
  /// The checkpoint that the configuration asks to go on from: resume_from_checkpoint, or the
  /// newest valid one with auto_resume_from_checkpoints. Collective.
  std::optional<std::string> wanted() const;
  /// Collective. Returns the number of steps done. Error{checkpoint} when it belongs to another
  /// model or adapter, or settings changed that its numbers depend on (compare_settings); says when
  /// the data, the batch layout or other settings differ.
  std::int64_t load(const std::string& folder) const;

 private:
  checkpoint::TrainState state() const;
  nlohmann::ordered_json describe(std::int64_t step) const;
  const config::Config& config_;
  const parallel::Comm& comm_;
  model::Decoder& model_;
  const optim::Optimizer& optimizer_;
  BatchSource& batches_;
  BestEvaluation& best_;
  std::string base_fingerprint_;
};

}  // namespace axl::train
