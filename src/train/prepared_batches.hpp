#pragma once
#include "data/batch_plan.hpp"
#include "parallel/comm.hpp"
#include "train/batch_source.hpp"

namespace axl::train {

/// Rows of a prepared file, in the order of the batch plan: every step is known beforehand.
class PreparedBatches final : public BatchSource {
 public:
  PreparedBatches(const parallel::Comm& comm, data::PreparedDataset dataset,
                  const data::BatchPlanOptions& options, data::RowLayout layout);
  std::int64_t total_steps() const override { return plan_.total_steps(); }
  std::int64_t steps_per_epoch() const override { return plan_.steps_per_epoch(); }
  double epoch_at(std::int64_t step) const override { return plan_.epoch_at(step); }
  std::int64_t max_tokens_per_micro_batch() const override {
    return plan_.max_tokens_per_micro_batch();
  }
  std::int64_t max_tokens_per_pass() const override;
  BatchSizes sizes() override;
  StepBatches step(std::int64_t index) override;
  std::uint64_t fingerprint() const override { return dataset_.fingerprint(); }
  std::string position() const override { return ""; }
  void resume(const std::string&, std::uint64_t) override {}

 private:
  const parallel::Comm& comm_;
  data::PreparedDataset dataset_;
  data::BatchPlan plan_;
  data::RowLayout layout_;
};

}  // namespace axl::train
