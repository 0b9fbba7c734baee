#include "train/cadence.hpp"

#include <algorithm>

namespace axl::train {
namespace {

bool at_epoch_end(std::int64_t done, const Cadence& c) {
  return done % c.steps_per_epoch == 0 || done == c.total_steps;
}

}  // namespace

Cadence::Cadence(const config::Config& config, std::int64_t total, std::int64_t per_epoch)
    : config::Cadence(config::derive_cadence(config, total)),
      total_steps(total),
      steps_per_epoch(std::max<std::int64_t>(1, per_epoch)),
      save_first_step(config.save_first_step),
      schedule{.total_steps = total,
               .warmup_steps = warmup_steps,
               .min_lr_ratio = config.cosine_min_lr_ratio.value_or(0.0),
               .constant_lr_ratio = config.cosine_constant_lr_ratio.value_or(0.0)} {}

bool Cadence::logs(std::int64_t done) const {
  return done % logging_steps == 0 || done == total_steps;
}

bool Cadence::saves(std::int64_t done) const {
  if (save_first_step && done == 1) return true;
  if (save_each_epoch) return at_epoch_end(done, *this);
  return save_steps > 0 && (done % save_steps == 0 || done == total_steps);
}

bool Cadence::evaluates(std::int64_t done) const {
  if (eval_each_epoch) return at_epoch_end(done, *this);
  return eval_steps > 0 && (done % eval_steps == 0 || done == total_steps);
}

}  // namespace axl::train
