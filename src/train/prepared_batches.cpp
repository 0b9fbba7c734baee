#include "train/prepared_batches.hpp"

#include "data/passes.hpp"

namespace axl::train {

PreparedBatches::PreparedBatches(const parallel::Comm& comm, data::PreparedDataset dataset,
                                 const data::BatchPlanOptions& options, data::RowLayout layout)
    : comm_(comm),
      dataset_(std::move(dataset)),
      plan_(dataset_.lengths(), options),
      layout_(layout) {}

std::int64_t PreparedBatches::max_tokens_per_pass() const {
  return data::max_tokens_per_pass(plan_, dataset_);
}

BatchSizes PreparedBatches::sizes() {
  double pairs = 0;
  for (std::int64_t i = 0; i < dataset_.rows(); ++i)
    pairs += attended_pairs(static_cast<double>(dataset_.length(i)));
  return {.rows = dataset_.rows(),
          .tokens_per_epoch = dataset_.total_tokens(),
          .label_tokens_per_epoch = dataset_.total_label_tokens(),
          .attended_pairs_per_epoch = pairs,
          .packing_efficiency = plan_.options().sample_packing ? plan_.packing_efficiency() : 0};
}

StepBatches PreparedBatches::step(std::int64_t index) {
  StepBatches out;
  out.label_tokens = plan_.global_label_tokens(index, dataset_);
  for (std::int64_t micro = 0; micro < plan_.options().gradient_accumulation_steps; ++micro) {
    for (std::int64_t rank = 0; rank < comm_.size(); ++rank) {
      const auto rows = plan_.rows(index, rank, micro);
      if (rows.empty()) continue;  // the end of an epoch: this rank has nothing to add
      ++out.filled;
      out.rows += std::ssize(rows);
      if (rank == comm_.rank())
        out.micro.push_back(data::make_micro_batch(dataset_, rows, layout_));
    }
  }
  return out;
}

}  // namespace axl::train
