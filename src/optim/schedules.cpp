#include <algorithm>
#include <cmath>
#include <numbers>

#include "optim/schedule.hpp"

namespace axl::optim {

double warmup_factor(std::int64_t step, const ScheduleContext& c) {
  if (step >= c.warmup_steps) return 1.0;
  return static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, c.warmup_steps));
}

double decay_progress(std::int64_t step, const ScheduleContext& c) {
  const auto span = static_cast<double>(std::max<std::int64_t>(1, c.total_steps - c.warmup_steps));
  return std::clamp(static_cast<double>(step - c.warmup_steps) / span, 0.0, 1.0);
}

/// Half a cosine from 1 to the floor; with constant_lr_ratio the floor is reached after that share
/// of the steps (Axolotl's cosine_constant_lr_ratio, which nothing reads when the floor is 0).
ScheduleSpec cosine_schedule() {
  return {"cosine", [](std::int64_t step, const ScheduleContext& c) {
            if (step < c.warmup_steps) return warmup_factor(step, c);
            ScheduleContext shortened = c;
            if (c.constant_lr_ratio > 0 && c.min_lr_ratio > 0)
              shortened.total_steps = static_cast<std::int64_t>(c.constant_lr_ratio *
                                                                static_cast<double>(c.total_steps));
            const double p = decay_progress(std::min(step, shortened.total_steps), shortened);
            const double factor = 0.5 * (1.0 + std::cos(std::numbers::pi * p));
            return factor * (1.0 - c.min_lr_ratio) + c.min_lr_ratio;
          }};
}

ScheduleSpec linear_schedule() {
  return {"linear", [](std::int64_t step, const ScheduleContext& c) {
            if (step < c.warmup_steps) return warmup_factor(step, c);
            return 1.0 - decay_progress(step, c);
          }};
}

ScheduleSpec constant_schedule() {
  return {"constant", [](std::int64_t, const ScheduleContext&) { return 1.0; }};
}

ScheduleSpec constant_with_warmup_schedule() {
  return {"constant_with_warmup",
          [](std::int64_t step, const ScheduleContext& c) { return warmup_factor(step, c); }};
}

}  // namespace axl::optim
