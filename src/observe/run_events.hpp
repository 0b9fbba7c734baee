#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace axl::observe {

/// What is known before the first step.
struct RunStart {
  std::string output_dir;  ///< made if it is not there; every record lies below it
  std::int64_t total_steps = 0;
  double num_epochs = 0;
  std::int64_t ranks = 1, threads_per_rank = 1;
  std::string config_path, model, adapter, dtype;
  std::string
      effective_config_json;  ///< an object of every key's value after derivation; may be ""
  std::int64_t trained_parameters = 0, total_parameters = 0;
  std::int64_t start_step = 0;  ///< steps that a resumed run has behind it; 0: a new run
};

/// What a task measures beside the loss, by name: ("rewards/margins", 0.3).
using Measures = std::vector<std::pair<std::string, double>>;

/// One optimiser step, over all ranks. Steps count from 1.
struct StepRecord {
  std::int64_t step = 0;
  double epoch = 0, loss = 0, grad_norm = 0, learning_rate = 0;
  std::int64_t label_tokens = 0, tokens = 0;
  double tokens_per_second = 0;
  std::int64_t memory_bytes = 0;  ///< peak resident memory of the largest rank
  double seconds = 0;             ///< since the start of training
  Measures measures;              ///< of the task
};

struct EvalRecord {
  std::int64_t step = 0;  ///< steps trained so far
  double epoch = 0, eval_loss = 0;
  std::int64_t label_tokens = 0;
  double seconds = 0;
  Measures measures;  ///< of the task
};

struct RunEnd {
  std::string status;  ///< done, stopped, failed
  std::int64_t steps = 0;
  double seconds = 0, train_loss = 0;
  std::string adapter_dir;  ///< where the trained weights lie; "" when none were written
};

/// Receives the events of one run in order: start, then steps, evals and checkpoints, then end.
/// Lives on rank 0; the other ranks use a plain EventSink, which ignores everything. What it writes
/// fails with Error{io}.
class EventSink {
 public:
  EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  virtual ~EventSink();
  virtual void start(const RunStart& run);
  /// `logged` is false between two logging steps: only the progress bar moves.
  virtual void step(const StepRecord& record, bool logged);
  virtual void eval(const EvalRecord& record);
  virtual void checkpoint(std::int64_t step, const std::string& path);
  virtual void end(const RunEnd& run);
};

/// Which sinks rank 0 gets; registry.cpp lists them.
struct SinkOptions {
  bool metrics = true;      ///< OUTPUT/metrics.jsonl
  bool tensorboard = true;  ///< OUTPUT/tensorboard/events.out.tfevents.*
  bool progress = true;     ///< standard error
  bool report = true;       ///< OUTPUT/report.html, loss.svg, learning_rate.svg
};

/// All sinks that `options` asks for behind one, called in the order of the registry. end() reaches
/// every sink even when an earlier one fails; the first failure is thrown afterwards.
std::unique_ptr<EventSink> make_sinks(const SinkOptions& options);

}  // namespace axl::observe
