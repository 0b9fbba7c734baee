#include "train/streamed_batches.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/log.hpp"
#include "data/cache.hpp"
#include "data/passes.hpp"
#include "data/summary.hpp"
#include "train/data_report.hpp"

namespace axl::train {
namespace {

std::int64_t rows_drawn(const data::StreamPosition& position) {
  std::int64_t sum = 0;
  for (const data::SourcePosition& source : position.sources) sum += source.drawn;
  return sum;
}

}  // namespace

StreamedBatches::StreamedBatches(const config::Config& config, const parallel::Comm& comm,
                                 std::int64_t ranks, std::int64_t threads)
    : config_(config),
      comm_(comm),
      ranks_(ranks),
      tokenizer_(data::load_tokenizer(config)),
      stream_(config, tokenizer_,
              {.rank = comm.rank(),
               .world_size = ranks,
               .threads = config.dataset_num_proc > 0 ? config.dataset_num_proc : threads}),
      done_(stream_.position()) {
  AXL_CHECK(config.max_steps.has_value(), "a stream without max_steps");
}

std::int64_t StreamedBatches::total_steps() const { return *config_.max_steps; }

double StreamedBatches::epoch_at(std::int64_t step) const {
  return static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, total_steps()));
}

std::int64_t StreamedBatches::max_tokens_per_pass() const {
  return data::max_tokens_per_pass(stream_.most_tokens_of_document(), stream_.most_tokens());
}

BatchSizes StreamedBatches::sizes() {
  BatchSizes out;
  const auto micro_batches =
      static_cast<double>(total_steps() * config_.gradient_accumulation_steps * ranks_);
  const auto capacity = static_cast<double>(stream_.most_tokens());
  double tokens = capacity, labels = capacity;
  const auto row = static_cast<double>(config_.sequence_len);
  double pairs = capacity / row * attended_pairs(row);
  if (stream_.is_repeatable()) {  // what a pipe gives is not given twice
    double batches = 0;
    tokens = labels = pairs = 0;
    do {
      const auto batch = stream_.next();
      if (!batch) break;
      tokens += static_cast<double>(batch->tokens());
      labels += static_cast<double>(batch->label_tokens);
      for (std::size_t i = 1; i < batch->cu_seqlens.size(); ++i)
        pairs += attended_pairs(batch->cu_seqlens[i] - batch->cu_seqlens[i - 1]);
      ++batches;
    } while (stream_.position().batch < stream_.batches_of_window());
    for (const data::DatasetReport& r : stream_.reports()) out.rows += r.rows_used;
    tokens /= std::max(1.0, batches);
    labels /= std::max(1.0, batches);
    pairs /= std::max(1.0, batches);
    stream_.seek(done_);
  }
  out.tokens_per_epoch = static_cast<std::int64_t>(tokens * micro_batches);
  out.label_tokens_per_epoch = static_cast<std::int64_t>(labels * micro_batches);
  out.attended_pairs_per_epoch = pairs * micro_batches;
  if (config_.sample_packing) out.packing_efficiency = tokens / capacity;
  return out;
}

Error StreamedBatches::end_of_rows(std::int64_t steps_done) const {
  const std::string path = comm_.broadcast(stream_.ended(), 0);
  return Error(ErrorCode::data, "the rows of dataset '" + path + "' have come to an end after " +
                                    std::to_string(steps_done) + " of " +
                                    std::to_string(total_steps()) +
                                    " steps: it is a pipe, which cannot be read again")
      .at(config_.at("max_steps"))
      .hint(
          "the checkpoint of the last step holds what was trained; lower max_steps, or give the "
          "pipe more rows and resume");
}

StepBatches StreamedBatches::step(std::int64_t index) {
  StepBatches out;
  std::exception_ptr failure;
  try {
    for (std::int64_t micro = 0; micro < config_.gradient_accumulation_steps; ++micro) {
      auto batch = stream_.next();
      if (!batch) break;
      out.micro.push_back(std::move(*batch));
    }
  } catch (...) {
    failure = std::current_exception();
  }
  std::int64_t sums[3] = {0, static_cast<std::int64_t>(out.micro.size()), failure ? 1 : 0};
  for (const data::MicroBatch& batch : out.micro) sums[0] += batch.label_tokens;
  comm_.sum(sums, 3);
  out.label_tokens = sums[0];
  out.filled = sums[1];
  if (sums[2] > 0) {
    // No other collective is under way here: the ranks can agree, as before the first step.
    try {
      parallel::collectively(comm_, [&] {
        if (failure) std::rethrow_exception(failure);
      });
    } catch (const Error& agreed) {
      out.failure = agreed;
    }
  } else if (out.filled == 0) {
    out.failure = end_of_rows(index).agreed();
  } else {
    done_ = stream_.position();
  }
  if (comm_.rank() == 0) tell_warnings();
  return out;
}

void StreamedBatches::tell_warnings() {
  const std::vector<std::string> warnings = stream_.warnings();
  for (; warnings_told_ < warnings.size(); ++warnings_told_)
    log::warning("{}", warnings[warnings_told_]);
}

std::uint64_t StreamedBatches::fingerprint() const {
  return data::stream_fingerprint(config_, tokenizer_);
}

std::string StreamedBatches::position() const {
  nlohmann::json ranks = nlohmann::json::array();
  const std::string mine = done_.to_json();
  for (int rank = 0; rank < comm_.size(); ++rank)
    ranks.push_back(parse_json<nlohmann::json>(comm_.broadcast(mine, rank)));
  return json_text(ranks);
}

void StreamedBatches::resume(const std::string& position, std::uint64_t saved_fingerprint) {
  parallel::collectively(comm_, [&] {
    const auto saved = try_parse_json<nlohmann::json>(position);
    if (!saved.is_array() || saved.empty())
      throw Error(ErrorCode::checkpoint, "the checkpoint was not written by a run on a stream")
          .hint("start a new run with lora_model_dir, or stream no more than the first run did");
    std::vector<data::StreamPosition> positions;
    for (const auto& rank : saved)
      positions.push_back(data::StreamPosition::from_json(json_text(rank)));
    const bool same_settings = saved_fingerprint == fingerprint();
    if (same_settings && positions.size() == static_cast<std::size_t>(comm_.size())) {
      done_ = positions[static_cast<std::size_t>(comm_.rank())];
    } else {
      // Rows that were read before the furthest window have been trained by one rank or another.
      done_ = *std::max_element(
          positions.begin(), positions.end(),
          [](const auto& a, const auto& b) { return rows_drawn(a) < rows_drawn(b); });
      done_.batch = 0;
      if (comm_.rank() == 0)
        log::warning(
            "the stream was read by {} ranks{} and goes on at row {}, where the furthest of their "
            "windows began: rows of that window are trained a second time",
            positions.size(), same_settings ? "" : " with other settings", rows_drawn(done_));
    }
    stream_.seek(done_);
  });
}

void StreamedBatches::report() const {
  if (comm_.rank() != 0) return;
  log_reports(stream_.reports());
  for (const data::DatasetReport& r : stream_.reports())
    for (const std::string& note : data::note_lines(r.notes))
      log::info("dataset {}: {}", r.path, note);
}

}  // namespace axl::train
