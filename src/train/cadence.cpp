#include "train/cadence.hpp"

#include <algorithm>
#include <cmath>

namespace axl::train {
namespace {

std::int64_t per_epoch_to_steps(std::int64_t per_epoch, double epochs, std::int64_t total) {
  const double events = static_cast<double>(per_epoch) * epochs;
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(static_cast<double>(total) / events)));
}

bool at_epoch_end(std::int64_t done, const Cadence& c) {
  return done % c.steps_per_epoch == 0 || done == c.total_steps;
}

}  // namespace

bool Cadence::saves(std::int64_t done) const {
  if (save_at_epoch_ends) return at_epoch_end(done, *this);
  return save_steps > 0 && (done % save_steps == 0 || done == total_steps);
}

bool Cadence::evaluates(std::int64_t done) const {
  if (eval_at_epoch_ends) return at_epoch_end(done, *this);
  return (eval_steps > 0 && done % eval_steps == 0) || done == total_steps;
}

optim::ScheduleContext Cadence::schedule(const config::Config& config) const {
  return {.total_steps = total_steps,
          .warmup_steps = warmup_steps,
          .min_lr_ratio = config.cosine_min_lr_ratio.value_or(0.0),
          .constant_lr_ratio = config.cosine_constant_lr_ratio.value_or(0.0)};
}

Cadence make_cadence(const config::Config& config, std::int64_t total_steps,
                     std::int64_t steps_per_epoch, bool has_eval) {
  Cadence c;
  c.total_steps = total_steps;
  c.steps_per_epoch = std::max<std::int64_t>(1, steps_per_epoch);
  const auto total = static_cast<double>(total_steps);
  if (config.warmup_steps && *config.warmup_steps > 0)
    c.warmup_steps = *config.warmup_steps;
  else if (config.warmup_ratio)
    c.warmup_steps = static_cast<std::int64_t>(*config.warmup_ratio * total);
  else if (!config.warmup_steps)
    c.warmup_steps = std::min<std::int64_t>(static_cast<std::int64_t>(0.03 * total), 100);
  if (c.warmup_steps == 1) c.warmup_steps = 2;
  c.logging_steps =
      config.logging_steps
          ? std::max<std::int64_t>(1, *config.logging_steps)
          : std::clamp<std::int64_t>(static_cast<std::int64_t>(0.005 * total), 1, 10);
  if (config.save_steps)
    c.save_steps = *config.save_steps;
  else if (config.saves_per_epoch && *config.saves_per_epoch > 0)
    c.save_steps = per_epoch_to_steps(*config.saves_per_epoch, config.num_epochs, total_steps);
  else if (config.save_strategy.empty() || config.save_strategy == "epoch")
    c.save_at_epoch_ends = true;
  if (config.save_strategy == "no") {
    c.save_steps = 0;
    c.save_at_epoch_ends = false;
  }
  if (!has_eval) {
    c.eval_steps = 0;
  } else if (config.eval_steps) {
    c.eval_steps = *config.eval_steps;
  } else if (config.evals_per_epoch && *config.evals_per_epoch > 0) {
    c.eval_steps = per_epoch_to_steps(*config.evals_per_epoch, config.num_epochs, total_steps);
  } else if (config.eval_strategy == "epoch") {
    c.eval_at_epoch_ends = true;
  }
  return c;
}

}  // namespace axl::train
