#include "config/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace axl::config {
namespace {

std::int64_t steps_of(std::optional<std::int64_t> steps, std::optional<double> share,
                      double total) {
  if (steps) return *steps;
  if (!share) return 0;
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(*share * total)));
}

}  // namespace

Cadence derive_cadence(const Config& c, std::int64_t total_steps) {
  AXL_CHECK(total_steps >= 1, "a run has at least one step");
  const double total = static_cast<double>(total_steps);
  Cadence out;
  if (c.warmup_steps)
    out.warmup_steps = *c.warmup_steps;
  else if (c.warmup_ratio)
    out.warmup_steps = static_cast<std::int64_t>(*c.warmup_ratio * total);
  else
    out.warmup_steps = std::min<std::int64_t>(static_cast<std::int64_t>(0.03 * total), 100);
  if (out.warmup_steps == 1) out.warmup_steps = 2;
  out.logging_steps =
      c.logging_steps ? *c.logging_steps
                      : std::clamp<std::int64_t>(static_cast<std::int64_t>(0.005 * total), 1, 10);
  if (c.save_strategy == "steps")
    out.save_steps = steps_of(c.save_steps, c.save_steps_share, total);
  if (c.eval_strategy == "steps")
    out.eval_steps = steps_of(c.eval_steps, c.eval_steps_share, total);
  out.save_each_epoch = c.save_strategy == "epoch";
  out.eval_each_epoch = c.eval_strategy == "epoch";
  return out;
}

}  // namespace axl::config
