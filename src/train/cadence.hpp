#pragma once
#include <cstdint>

#include "config/schedule.hpp"
#include "optim/schedule.hpp"

namespace axl::train {

/// When things happen, in optimiser steps: what follows from the configuration, and the exact
/// length of this run.
struct Cadence : config::Cadence {
  Cadence(const config::Config& config, std::int64_t total, std::int64_t per_epoch);
  bool logs(std::int64_t done) const;
  bool saves(std::int64_t done) const;
  /// Unless there is no evaluation at all, always after the last step.
  bool evaluates(std::int64_t done) const;
  bool ever_evaluates() const { return eval_each_epoch || eval_steps > 0; }

  std::int64_t total_steps;
  std::int64_t steps_per_epoch;
  bool save_first_step;
  optim::ScheduleContext schedule;
};

}  // namespace axl::train
