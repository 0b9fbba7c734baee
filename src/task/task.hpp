#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/registry.hpp"
#include "data/dataset.hpp"
#include "model/decoder.hpp"

/// What a run learns: a loss and a layout of its rows. A task is a file of this folder and a line
/// in registry.cpp.
namespace axl::task {

using ops::Context;
using LayerDone = std::function<void(std::int64_t)>;

/// What the loss of a step is a mean over.
enum class Mean : std::uint8_t { label_tokens, rows };

class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;

  virtual data::RowLayout layout() const = 0;
  virtual Mean mean() const = 0;
  /// Names of what is measured beside the loss, as records have them.
  virtual std::span<const std::string_view> metrics() const { return {}; }

  /// One pass: returns the sum of its losses, adds `scale` times their gradient to that of the
  /// parameters, and to `sums` the metrics (one for each of metrics(), summed over what the loss is
  /// a mean over). `layer_done`: see Decoder::backward.
  virtual double train(Context& ctx, model::Decoder& model, const model::Batch& batch, double scale,
                       const LayerDone& layer_done, std::span<double> sums) const = 0;
  /// The same without gradient.
  virtual double evaluate(Context& ctx, model::Decoder& model, const model::Batch& batch,
                          std::span<double> sums) const = 0;
};

struct TaskOptions {
  double beta = 0.1;             ///< of preference losses
  double label_smoothing = 0.0;  ///< share of pairs that are taken to be the wrong way round
  /// What preferences are measured against; nullptr: the trained model without its adapters.
  model::Decoder* reference = nullptr;
};

struct TaskSpec {
  std::string_view name;  ///< of `rl`; "supervised" without it
  std::unique_ptr<Task> (*make)(const TaskOptions&) = nullptr;
};
const Registry<TaskSpec>& tasks();

TaskSpec supervised_spec();
TaskSpec dpo_spec();

}  // namespace axl::task
