#pragma once
#include <cstdint>

#include "config/config.hpp"
#include "data/batch_plan.hpp"

namespace axl::data {

/// The batch plan of a training run over `world_size` data-parallel ranks.
BatchPlanOptions train_plan_options(const config::Config& config, std::int64_t world_size);
/// One pass over the evaluation rows in file order.
BatchPlanOptions eval_plan_options(const config::Config& config, std::int64_t world_size);

}  // namespace axl::data
