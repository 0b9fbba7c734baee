#include "optim/optimizer.hpp"
#include "optim/schedule.hpp"

namespace axl::optim {

const Registry<OptimizerSpec>& optimizers() {
  static const Registry<OptimizerSpec> list{"optimizer",
                                            {
                                                // One a line.
                                                adamw_spec(),
                                                adamw_8bit_spec(),
                                                sgd_spec(),
                                                adafactor_spec(),
                                            }};
  return list;
}

const Registry<ScheduleSpec>& schedules() {
  static const Registry<ScheduleSpec> list{
      "lr_scheduler",
      {cosine_schedule(), linear_schedule(), constant_schedule(), constant_with_warmup_schedule()}};
  return list;
}

const OptimizerSpec& optimizer_named(std::string_view name) {
  for (const OptimizerSpec& s : optimizers())
    for (const std::string_view alias : s.aliases)
      if (alias == name) return s;
  return optimizers().get(name);
}

}  // namespace axl::optim
