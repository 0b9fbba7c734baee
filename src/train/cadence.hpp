#pragma once
#include <cstdint>

#include "config/config.hpp"
#include "optim/schedule.hpp"

namespace axl::train {

/// When things happen, in optimiser steps, after Axolotl's defaults and derivations.
struct Cadence {
  std::int64_t total_steps = 0;
  std::int64_t warmup_steps = 0;
  std::int64_t logging_steps = 1;
  std::int64_t save_steps = 0;  ///< 0: only at the end
  std::int64_t eval_steps = 0;  ///< 0: only before and after
  bool save_at_epoch_ends = false;
  bool eval_at_epoch_ends = false;
  std::int64_t steps_per_epoch = 1;

  bool logs(std::int64_t done) const { return done % logging_steps == 0 || done == total_steps; }
  bool saves(std::int64_t done) const;
  bool evaluates(std::int64_t done) const;
  optim::ScheduleContext schedule(const config::Config& config) const;
};

/// saves_per_epoch and evals_per_epoch become fractions of the run as in transformers:
/// ceil(total / (per_epoch * epochs)); a warm-up that comes out as 1 becomes 2 (config-keys: derived
/// values of Axolotl).
Cadence make_cadence(const config::Config& config, std::int64_t total_steps,
                     std::int64_t steps_per_epoch, bool has_eval);

}  // namespace axl::train
