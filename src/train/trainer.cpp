#include "train/trainer.hpp"

#include <chrono>
#include <cmath>

#include "core/log.hpp"
#include "data/passes.hpp"
#include "observe/memory.hpp"

namespace axl::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

model::Batch batch_of(const data::MicroBatch& m, std::uint64_t dropout_key, std::int64_t context) {
  return {.ids = m.input_ids,
          .targets = m.targets,
          .positions = m.positions,
          .cu_seqlens = m.cu_seqlens,
          .dropout_key = dropout_key,
          .context = context};
}

std::int64_t rows_of(const data::MicroBatch& pairs) {
  return (std::ssize(pairs.cu_seqlens) - 1) / 2;
}

/// The first parameter with a NaN or an infinity; "" when all are finite.
std::string first_not_finite(const tensor::ParameterTable& table,
                             tensor::TensorView tensor::Parameter::*member) {
  for (const tensor::Parameter& parameter : table.all()) {
    const float* v = (parameter.*member).as<float>();
    for (std::int64_t i = 0; i < parameter.elements(); ++i)
      if (!std::isfinite(v[i])) return parameter.name;
  }
  return "";
}

}  // namespace

Trainer::Trainer(const TrainerParts& parts)
    : p_(parts), reducer_(parts.comm, parts.model.parameters(), parts.model.layer_offsets()) {}

Trainer::StepResult Trainer::step(std::int64_t index, const StepBatches& batches) {
  StepResult result;
  p_.model.parameters().zero_grad();
  result.label_tokens = batches.label_tokens;
  const bool by_micro_batch = p_.config.loss_normalization == "axolotl";
  const std::int64_t micros = p_.config.gradient_accumulation_steps;
  const bool over_rows = p_.task.mean() == task::Mean::rows;
  const std::size_t metrics = p_.task.metrics().size();
  std::vector<double> sums(2 + metrics, 0.0);  // loss, tokens, metrics
  for (std::size_t micro = 0; micro < batches.micro.size(); ++micro) {
    const bool last = micro + 1 == batches.micro.size();
    // The same masks whichever rank computes this micro-batch of the step.
    const std::int64_t global_micro =
        (index * micros + static_cast<std::int64_t>(micro)) * p_.comm.size() + p_.comm.rank();
    const std::uint64_t key = kernels::hash_counter(static_cast<std::uint64_t>(p_.config.seed),
                                                    static_cast<std::uint64_t>(global_micro)) |
                              1u;
    const data::MicroBatch& whole = batches.micro[micro];
    const std::int64_t here = over_rows ? rows_of(whole) : whole.label_tokens;
    const std::int64_t all = over_rows ? batches.rows : result.label_tokens;
    const double scale = 1.0 / static_cast<double>(std::max<std::int64_t>(
                                   1, by_micro_batch ? batches.filled * here : all));
    const std::int64_t context = data::longest_document(whole);
    auto passes = data::split_into_passes(whole, p_.task.layout());
    for (std::size_t pass = 0; pass < passes.size(); ++pass) {
      data::MicroBatch& batch = passes[pass];
      const std::uint64_t pass_key = kernels::hash_counter(key, pass);
      data::drop_tokens(batch, p_.drop_token, p_.config.token_dropout, pass_key);
      const bool final = last && pass + 1 == passes.size();
      std::vector<double> measured(metrics, 0.0);
      sums[0] +=
          scale * p_.task.train(p_.ctx, p_.model, batch_of(batch, pass_key | 1u, context), scale,
                                final ? [this](std::int64_t layer) { reducer_.layer_done(layer); }
                                      : task::LayerDone(),
                                measured);
      sums[1] += static_cast<double>(batch.tokens());
      for (std::size_t m = 0; m < metrics; ++m) sums[2 + m] += scale * measured[m];
    }
  }
  // A rank without rows issues the same collectives as the others.
  if (batches.micro.empty()) reducer_.layer_done(-1);
  reducer_.finish();
  p_.model.parameters().zero_grad_of_frozen_rows();
  p_.comm.sum(sums.data(), std::ssize(sums));
  result.loss = sums[0];
  result.tokens = static_cast<std::int64_t>(sums[1]);
  result.measures.assign(sums.begin() + 2, sums.end());
  result.grad_norm = optim::gradient_norm(p_.ctx, p_.model.parameters());
  check_finite(index, result);
  warn_of_zero_gradient(index, result);
  const double schedule =
      optim::schedules().get(p_.config.lr_scheduler).factor(index, p_.cadence.schedule);
  result.learning_rate = p_.config.learning_rate * schedule;
  const double limit = p_.config.max_grad_norm;
  // torch.nn.utils.clip_grad_norm_: max / (norm + 1e-6), at most 1.
  const double clip = limit > 0 ? std::min(1.0, limit / (result.grad_norm + 1e-6)) : 1.0;
  p_.optimizer.step(p_.ctx, schedule, clip, index + 1);
  p_.model.refresh_values(p_.ctx);
  updated_ = true;
  return result;
}

void Trainer::fail_not_finite(std::int64_t step, const std::string& what,
                              const std::string& parameter) const {
  // Losses, gradients and parameters are the same on every rank: all come here alike.
  throw Error(ErrorCode::numeric, "step " + std::to_string(step) + ": the " + what +
                                      " is not finite" +
                                      (parameter.empty() ? "" : " (first in " + parameter + ")"))
      .agreed()
      .hint(updated_ ? "lower learning_rate, or look at the rows of this step; what was saved "
                       "before is untouched"
                     : "this run has made no update yet: the weights that it began with hold such "
                       "values, or too large ones");
}

void Trainer::check_finite(std::int64_t index, const StepResult& r) const {
  if (std::isfinite(r.loss) && std::isfinite(r.grad_norm)) return;
  fail_not_finite(index + 1, std::isfinite(r.loss) ? "gradient" : "loss",
                  first_not_finite(p_.model.parameters(), &tensor::Parameter::grad));
}

void Trainer::warn_of_zero_gradient(std::int64_t index, const StepResult& r) {
  if (r.grad_norm != 0 || r.label_tokens == 0 || warned_of_zero_gradient_) return;
  warned_of_zero_gradient_ = true;
  if (p_.comm.rank() != 0) return;
  log::warning(
      "step {}: the gradient is exactly zero, nothing is learnt from this step; values that are "
      "too large vanish in a norm: was learning_rate too high?",
      index + 1);
}

void Trainer::check_weights(std::int64_t step) const {
  const std::string where = first_not_finite(p_.model.parameters(), &tensor::Parameter::master);
  if (!where.empty()) fail_not_finite(step, "result of the update", where);
}

void Trainer::watch_loss(std::int64_t index, double loss) {
  if (!p_.config.loss_watchdog_threshold) return;
  over_threshold_ = loss > *p_.config.loss_watchdog_threshold ? over_threshold_ + 1 : 0;
  if (over_threshold_ < p_.config.loss_watchdog_patience) return;
  throw Error(ErrorCode::numeric, "step " + std::to_string(index + 1) +
                                      ": the loss was above loss_watchdog_threshold for " +
                                      std::to_string(over_threshold_) + " steps")
      .agreed();
}

void Trainer::record(const std::function<void()>& call) {
  try {
    call();
  } catch (...) {
    if (!record_failure_) record_failure_ = std::current_exception();
  }
}

bool Trainer::agree_to_stop() {
  enum : std::int64_t { go_on, stop, fail };
  const std::int64_t mine = record_failure_ ? fail : signal_.requested() != 0 ? stop : go_on;
  const std::int64_t agreed = p_.comm.max(mine);
  if (agreed == fail)
    parallel::collectively(p_.comm, [&] {
      if (record_failure_) std::rethrow_exception(record_failure_);
    });
  return agreed == stop;
}

bool Trainer::stopped_improving() const {
  return p_.config.early_stopping_patience &&
         p_.best.without_gain() >= *p_.config.early_stopping_patience;
}

void Trainer::add_losses(const std::vector<std::int64_t>& rows, std::span<double> sums) {
  const data::RowLayout layout = p_.task.layout();
  const data::MicroBatch whole = data::make_micro_batch(*p_.eval_dataset, rows, layout);
  const std::int64_t context = data::longest_document(whole);
  const double divisor =
      static_cast<double>(p_.task.mean() == task::Mean::rows ? rows_of(whole) : whole.label_tokens);
  // A packed micro-batch is one row to transformers, which weights the means of batches by rows.
  const double weight = p_.config.loss_normalization != "axolotl" || divisor == 0 ? divisor
                        : p_.eval_plan->options().sample_packing                  ? 1.0
                                                                 : static_cast<double>(rows.size());
  std::vector<double> measured(p_.task.metrics().size(), 0.0);
  double loss = 0;
  for (const data::MicroBatch& micro : data::split_into_passes(whole, layout))
    loss += p_.task.evaluate(p_.ctx, p_.model, batch_of(micro, 0, context), measured);
  if (divisor > 0) sums[0] += loss / divisor * weight;
  sums[1] += weight;
  sums[2] += static_cast<double>(whole.label_tokens);
  for (std::size_t m = 0; m < measured.size(); ++m)
    sums[3 + m] += divisor > 0 ? measured[m] / divisor * weight : 0.0;
}

observe::Measures Trainer::named(std::span<const double> values) const {
  observe::Measures out;
  for (std::size_t m = 0; m < values.size(); ++m) out.emplace_back(p_.task.metrics()[m], values[m]);
  return out;
}

void Trainer::evaluate(std::int64_t step, bool counts) {
  const auto start = Clock::now();
  // Loss, what it is divided by, label tokens, metrics.
  std::vector<double> sums(3 + p_.task.metrics().size(), 0.0);
  for (std::int64_t i = 0; i < p_.eval_plan->total_steps(); ++i) {
    // Who asks for a stop will not wait for the end of a long evaluation.
    if (p_.comm.max(std::int64_t{signal_.requested()}) != 0) {
      if (p_.comm.rank() == 0)
        log::info("step {}: the evaluation is left unfinished, a stop was asked for", step);
      return;
    }
    add_losses(p_.eval_plan->rows(i, p_.comm.rank(), 0), sums);
  }
  p_.comm.sum(sums.data(), std::ssize(sums));
  const double loss = sums[1] > 0 ? sums[0] / sums[1] : 0.0;
  if (!std::isfinite(loss)) fail_not_finite(step, "evaluation loss");
  if (!first_eval_) first_eval_ = loss;
  last_eval_ = loss;
  if (counts) p_.best.evaluated(step, loss);
  for (std::size_t m = 3; m < sums.size(); ++m) sums[m] /= std::max(sums[1], 1.0);
  record([&] {
    p_.events.eval({.step = step,
                    .epoch = p_.batches.epoch_at(step),
                    .eval_loss = loss,
                    .label_tokens = static_cast<std::int64_t>(sums[2]),
                    .seconds = seconds_since(start),
                    .measures = named(std::span(sums).subspan(3))});
  });
}

Outcome Trainer::run(std::int64_t first_step, const std::function<void(std::int64_t)>& save) {
  const auto start = Clock::now();
  const bool evaluates = p_.eval_plan != nullptr && p_.cadence.ever_evaluates();
  // Counts only where a stop cut the evaluation of this step short.
  if (evaluates)
    evaluate(first_step, first_step > 0 && p_.cadence.evaluates(first_step) &&
                             p_.best.last_step() < first_step);
  double window_loss = 0, window_seconds = 0;
  std::vector<double> window_measures(p_.task.metrics().size(), 0.0);
  std::int64_t saved = first_step;
  std::int64_t window_steps = 0, window_tokens = 0, window_labels = 0;
  for (std::int64_t index = first_step; index < p_.cadence.total_steps; ++index) {
    const auto step_start = Clock::now();
    const StepBatches batches = p_.batches.step(index);
    if (batches.failure) {
      if (index > saved) save(index);
      failure_ = batches.failure;
      return Outcome::out_of_rows;
    }
    const StepResult r = step(index, batches);
    const std::int64_t done = index + 1;
    window_seconds += seconds_since(step_start);
    window_loss += r.loss;
    for (std::size_t m = 0; m < window_measures.size(); ++m) window_measures[m] += r.measures[m];
    window_tokens += r.tokens;
    window_labels += r.label_tokens;
    ++window_steps;
    loss_sum_ += r.loss;
    ++steps_;
    const bool logged = p_.cadence.logs(done);
    // Only what is written down is worth a collective; `logged` is the same on every rank.
    const std::int64_t memory = logged ? p_.comm.max(observe::peak_resident_bytes()) : 0;
    std::vector<double> means = window_measures;
    for (double& mean : means) mean /= static_cast<double>(window_steps);
    record([&] {
      p_.events.step({.step = done,
                      .epoch = p_.batches.epoch_at(done),
                      .loss = window_loss / static_cast<double>(window_steps),
                      .grad_norm = r.grad_norm,
                      .learning_rate = r.learning_rate,
                      .label_tokens = window_labels,
                      .tokens = window_tokens,
                      .tokens_per_second = static_cast<double>(window_tokens) / window_seconds,
                      .memory_bytes = memory,
                      .seconds = seconds_since(start),
                      .measures = named(means)},
                     logged);
    });
    if (logged) {
      window_loss = window_seconds = 0;
      std::fill(window_measures.begin(), window_measures.end(), 0.0);
      window_steps = window_tokens = window_labels = 0;
    }
    watch_loss(index, r.loss);
    if (evaluates && p_.cadence.evaluates(done)) evaluate(done);
    bool stop = agree_to_stop();
    const bool enough = stopped_improving();
    const bool last = enough || done == p_.cadence.total_steps;
    if (p_.cadence.saves(done) || stop || last) check_weights(done);
    if (p_.cadence.saves(done) || stop || enough) {
      save(done);
      saved = done;
      // Asked for while saving: this checkpoint will do.
      stop = stop || agree_to_stop();
    }
    if (enough && done < p_.cadence.total_steps) return Outcome::finished;
    if (stop && done < p_.cadence.total_steps) return Outcome::stopped;
  }
  return Outcome::finished;
}

}  // namespace axl::train
