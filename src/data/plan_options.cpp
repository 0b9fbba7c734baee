#include "data/plan_options.hpp"

namespace axl::data {

BatchPlanOptions train_plan_options(const config::Config& config, std::int64_t world_size) {
  BatchPlanOptions o;
  o.micro_batch_size = config.micro_batch_size;
  o.gradient_accumulation_steps = config.gradient_accumulation_steps;
  o.world_size = world_size;
  o.sequence_len = config.sequence_len;
  o.sample_packing = config.sample_packing;
  o.bin_size = config.sample_packing_bin_size;
  o.group_size = config.sample_packing_group_size;
  o.sequential = config.curriculum_sampling || !config.curriculum_order.empty() ||
                 (config.sample_packing && config.sample_packing_sequentially);
  o.seed = config.seed;
  o.num_epochs = config.num_epochs;
  o.max_steps = config.max_steps.value_or(-1);
  return o;
}

BatchPlanOptions eval_plan_options(const config::Config& config, std::int64_t world_size) {
  BatchPlanOptions o = train_plan_options(config, world_size);
  o.micro_batch_size = config.eval_batch_size;
  o.gradient_accumulation_steps = 1;
  // eval_sequence_len is about test_datasets: rows held out from training were fitted to
  // sequence_len, in Axolotl too.
  if (!config.test_datasets.empty())
    o.sequence_len = config.eval_sequence_len.value_or(config.sequence_len);
  o.sample_packing = config.eval_sample_packing.value_or(config.sample_packing);
  o.sequential = true;
  o.num_epochs = 1;
  o.max_steps = -1;
  return o;
}

}  // namespace axl::data
