#pragma once
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "data/batch_plan.hpp"
#include "observe/run_events.hpp"
#include "optim/optimizer.hpp"
#include "task/task.hpp"
#include "train/batch_source.hpp"
#include "train/best_evaluation.hpp"
#include "train/cadence.hpp"
#include "train/gradient_reducer.hpp"
#include "train/stop_signal.hpp"

namespace axl::train {

/// What a step needs besides the model: borrowed from run(), which owns all of it.
struct TrainerParts {
  const config::Config& config;
  const parallel::Comm& comm;
  ops::Context& ctx;
  model::Decoder& model;
  BatchSource& batches;
  const data::PreparedDataset* eval_dataset;  ///< nullptr: no evaluation
  const data::BatchPlan* eval_plan;
  const task::Task& task;
  optim::Optimizer& optimizer;
  const Cadence& cadence;
  BestEvaluation& best;        ///< of this run and of the one that it goes on with
  data::TokenId drop_token;    ///< what token_dropout puts in place of a token
  observe::EventSink& events;  ///< of rank 0; a silent one elsewhere
};

enum class Outcome {
  finished,
  stopped,     ///< on request
  out_of_rows  ///< failure() says why; a checkpoint holds what was trained
};

/// The step loop. A step is a function of (seed, step, global rows): nothing else is carried but
/// the parameters and the optimiser's state.
class Trainer {
 public:
  explicit Trainer(const TrainerParts& parts);
  /// Trains from `first_step` to the end. `save(step)` writes a checkpoint, collectively.
  Outcome run(std::int64_t first_step, const std::function<void(std::int64_t step)>& save);
  /// Of the steps of this run, those before a resumed checkpoint left out; 0 without any.
  double mean_loss() const { return steps_ == 0 ? 0.0 : loss_sum_ / static_cast<double>(steps_); }
  const std::optional<Error>& failure() const { return failure_; }
  std::optional<double> first_eval_loss() const { return first_eval_; }
  std::optional<double> last_eval_loss() const { return last_eval_; }

 private:
  struct StepResult {
    double loss = 0, grad_norm = 0, learning_rate = 0;
    std::int64_t label_tokens = 0, tokens = 0;
    std::vector<double> measures;  ///< of task.metrics()
  };
  StepResult step(std::int64_t index, const StepBatches& batches);
  /// Records the loss of the evaluation rows and counts it among the best; no record when a stop is
  /// asked for meanwhile.
  void evaluate(std::int64_t step, bool counts = true);
  /// Adds the loss of an evaluation batch to sums[0], what it is a mean over to sums[1], label
  /// tokens to sums[2] and the metrics behind them.
  void add_losses(const std::vector<std::int64_t>& rows, std::span<double> sums);
  observe::Measures named(std::span<const double> values) const;
  void check_finite(std::int64_t index, const StepResult& result) const;
  /// A sum of squares that overflows makes the norm's output zero, and every gradient below it.
  void warn_of_zero_gradient(std::int64_t index, const StepResult& result);
  /// Before weights are written: an update may overflow what its gradient did not.
  void check_weights(std::int64_t step) const;
  [[noreturn]] void fail_not_finite(std::int64_t step, const std::string& what,
                                    const std::string& parameter = "") const;
  /// Calls a sink; a failure of it (only rank 0 has one) waits for agree_to_stop().
  void record(const std::function<void()>& call);
  /// After every step: all ranks agree whether one was asked to stop; throws on all of them when a
  /// record could not be written.
  bool agree_to_stop();
  /// early_stopping_patience evaluations in a row were no better than the best one.
  bool stopped_improving() const;
  void watch_loss(std::int64_t index, double loss);

  TrainerParts p_;
  GradientReducer reducer_;
  StopSignal signal_;
  bool updated_ = false;  ///< an update was made since the run began
  bool warned_of_zero_gradient_ = false;
  double loss_sum_ = 0;     ///< over `steps_`
  std::int64_t steps_ = 0;  ///< of this run
  std::int64_t over_threshold_ = 0;
  std::optional<double> first_eval_, last_eval_;
  std::exception_ptr record_failure_;
  std::optional<Error> failure_;
};

}  // namespace axl::train
