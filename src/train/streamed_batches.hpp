#pragma once
#include "data/stream.hpp"
#include "parallel/comm.hpp"
#include "train/batch_source.hpp"

namespace axl::train {

/// Micro-batches of a stream: the ranks tell each other how many labels theirs have, step by step.
/// The run of max_steps counts as one epoch.
class StreamedBatches final : public BatchSource {
 public:
  /// As rank comm.rank() of `ranks`, which are comm.size() in a run.
  StreamedBatches(const config::Config& config, const parallel::Comm& comm, std::int64_t ranks,
                  std::int64_t threads);
  std::int64_t total_steps() const override;
  std::int64_t steps_per_epoch() const override { return total_steps(); }
  double epoch_at(std::int64_t step) const override;
  std::int64_t max_tokens_per_micro_batch() const override { return stream_.most_tokens(); }
  std::int64_t max_tokens_per_pass() const override;
  BatchSizes sizes() override;
  StepBatches step(std::int64_t index) override;
  std::uint64_t fingerprint() const override;
  std::string position() const override;
  void resume(const std::string& position, std::uint64_t saved_fingerprint) override;
  void report() const override;

 private:
  Error end_of_rows(std::int64_t steps_done) const;
  void tell_warnings();
  const config::Config& config_;
  const parallel::Comm& comm_;
  std::int64_t ranks_;
  tokenizer::Tokenizer tokenizer_;
  data::BatchStream stream_;
  data::StreamPosition done_;  ///< behind the last whole step
  std::size_t warnings_told_ = 0;
};

}  // namespace axl::train
