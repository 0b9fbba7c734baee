#pragma once
#include <cstdint>

#include "config/config.hpp"

namespace axl::config {

/// The numbers of steps that follow from the configuration once the total is known.
struct Cadence {
  std::int64_t warmup_steps = 0;
  std::int64_t logging_steps = 1;
  std::int64_t save_steps = 0;  ///< 0: not by steps
  std::int64_t eval_steps = 0;  ///< 0: not by steps
  bool save_each_epoch = false;
  bool eval_each_epoch = false;
};

/// Axolotl's rules: warm-up from warmup_steps, else warmup_ratio x total, else 3 % of the total and
/// at most 100, and never exactly 1; logging every 0.5 % of the steps, 1 to 10; shares of the total
/// rounded up. `total_steps` >= 1.
Cadence derive_cadence(const Config& config, std::int64_t total_steps);

}  // namespace axl::config
