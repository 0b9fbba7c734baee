#pragma once
#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace axl::train {

/// The lowest evaluation loss so far, and whether a checkpoint holds the weights that had it. Goes
/// into every checkpoint, so that a resumed run stops where the whole one would have. As in
/// transformers the evaluation before the first step does not count.
class BestEvaluation {
 public:
  void evaluated(std::int64_t step, double loss);
  /// A checkpoint is being written, after the evaluation of the same step if there is one.
  void saved(std::int64_t step);
  /// Evaluations since the best one.
  std::int64_t without_gain() const { return without_gain_; }
  std::int64_t last_step() const { return last_step_; }
  double checkpoint_loss() const { return checkpoint_loss_; }
  /// The best of those steps that have a checkpoint.
  std::optional<std::int64_t> checkpoint() const { return checkpoint_; }

  nlohmann::ordered_json to_json() const;
  static BestEvaluation from_json(const nlohmann::json& j);

 private:
  double loss_ = std::numeric_limits<double>::infinity(), checkpoint_loss_ = 0;
  std::int64_t step_ = 0, last_step_ = 0, without_gain_ = 0;
  std::optional<std::int64_t> checkpoint_;
};

}  // namespace axl::train
