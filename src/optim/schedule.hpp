#pragma once
#include <cstdint>
#include <string_view>

#include "core/registry.hpp"

namespace axl::optim {

/// What a schedule may depend on. Steps are optimiser steps, counted from 0.
struct ScheduleContext {
  std::int64_t total_steps = 1;
  std::int64_t warmup_steps = 0;
  double min_lr_ratio = 0.0;  ///< cosine: floor as a share of the peak
  double constant_lr_ratio =
      0.0;  ///< cosine: frozen at a floor above 0 after this share; 0 = never
};

/// A learning-rate schedule: the factor on the peak rate that step `step` uses.
struct ScheduleSpec {
  std::string_view name;
  double (*factor)(std::int64_t step, const ScheduleContext&);
};
const Registry<ScheduleSpec>& schedules();

/// step / warmup during warm-up, else 1: torch's LambdaLR as transformers sets it up.
double warmup_factor(std::int64_t step, const ScheduleContext& c);
/// (step - warmup) / (total - warmup), in [0, 1].
double decay_progress(std::int64_t step, const ScheduleContext& c);

ScheduleSpec cosine_schedule();
ScheduleSpec linear_schedule();
ScheduleSpec constant_schedule();
ScheduleSpec constant_with_warmup_schedule();

}  // namespace axl::optim
