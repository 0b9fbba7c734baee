#include "data/batch_plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "data/packing.hpp"
#include "data/preference.hpp"

namespace axl::data {
namespace {

// Streams of the run's seed that belong to the batch plan (core/rng.hpp).
constexpr std::uint64_t kWindowStream = 0x706c616e00000001;
constexpr std::uint64_t kRowStream = 0x706c616e10000000;  // + epoch
constexpr std::uint64_t kDropStream = 0x64726f7000000000;
constexpr std::uint64_t kSequenceStream = 0x706c616e20000000;  // + epoch

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

void check(const std::vector<std::int32_t>& lengths, const BatchPlanOptions& o) {
  AXL_CHECK(o.micro_batch_size > 0 && o.gradient_accumulation_steps > 0 && o.world_size > 0 &&
                o.sequence_len > 0 && o.bin_size > 0 && o.group_size > 0,
            "batch plan: sizes must be positive");
  if (lengths.empty())
    throw Error(ErrorCode::data, "no rows to train on")
        .hint("every row was dropped: see the report of `axolotl-hpc preprocess CONFIG`");
  if (o.max_steps < 0 && !(o.num_epochs > 0.0 && std::isfinite(o.num_epochs)))
    throw Error(ErrorCode::config, "num_epochs must be positive");
  // Unpacked evaluation may use rows up to eval_sequence_len; only packing has a capacity.
  if (o.sample_packing)
    for (const std::int32_t n : lengths)
      AXL_CHECK(n <= o.sequence_len, "batch plan: a row is longer than sequence_len");
}

}  // namespace

BatchPlan::BatchPlan(std::vector<std::int32_t> lengths, const BatchPlanOptions& options)
    : lengths_(std::move(lengths)), options_(options) {
  check(lengths_, options_);
  // A unit is what one rank feeds to the model at once. Every epoch has the same number of units:
  // the packing windows below hold the same rows in every epoch.
  sequences_per_epoch_ =
      options_.sample_packing
          ? static_cast<std::int64_t>(epoch(0).sequences.size())
          : ceil_div(static_cast<std::int64_t>(lengths_.size()), options_.micro_batch_size);
}

const BatchPlan::Epoch& BatchPlan::epoch(std::int64_t number) const {
  if (cached_.number == number) return cached_;
  const std::uint64_t seed = static_cast<std::uint64_t>(options_.seed);
  const std::uint64_t e = static_cast<std::uint64_t>(number);
  std::vector<std::int64_t> order(lengths_.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::vector<std::vector<std::int64_t>> sequences;

  if (!options_.sample_packing) {
    if (!options_.sequential) shuffle(order, seed, kRowStream + e);
    const std::size_t micro = static_cast<std::size_t>(options_.micro_batch_size);
    for (std::size_t i = 0; i < order.size(); i += micro)
      sequences.emplace_back(
          order.begin() + static_cast<std::ptrdiff_t>(i),
          order.begin() + static_cast<std::ptrdiff_t>(std::min(i + micro, order.size())));
  } else {
    // Windows hold a fixed random share of the rows, so that every epoch packs the same lengths
    // and has the same number of sequences; within a window each epoch packs in its own order.
    if (!options_.sequential) shuffle(order, seed, kWindowStream);
    const std::int64_t capacity = options_.micro_batch_size * options_.sequence_len;
    const std::int64_t members = options_.micro_batch_size * options_.bin_size;
    const std::size_t group = static_cast<std::size_t>(options_.group_size);
    for (std::size_t begin = 0; begin < order.size(); begin += group) {
      const std::size_t end = std::min(begin + group, order.size());
      std::vector<std::int64_t> window(order.begin() + static_cast<std::ptrdiff_t>(begin),
                                       order.begin() + static_cast<std::ptrdiff_t>(end));
      if (!options_.sequential) shuffle(window, seed, kRowStream + (e << 32) + begin);
      std::vector<std::int32_t> lengths(window.size());
      for (std::size_t i = 0; i < window.size(); ++i)
        lengths[i] = lengths_[static_cast<std::size_t>(window[i])];
      auto bins = options_.sequential ? pack_in_order(lengths, capacity, members)
                                      : pack_best_fit(lengths, capacity, members);
      for (Bin& bin : bins) {
        for (std::int64_t& item : bin) item = window[static_cast<std::size_t>(item)];
        sequences.push_back(std::move(bin));
      }
    }
    if (!options_.sequential) shuffle(sequences, seed, kSequenceStream + e);
  }
  cached_.number = number;
  cached_.sequences = std::move(sequences);
  return cached_;
}

std::int64_t BatchPlan::steps_per_epoch() const {
  return ceil_div(sequences_per_epoch_, options_.gradient_accumulation_steps * options_.world_size);
}

std::int64_t BatchPlan::total_steps() const {
  if (options_.max_steps >= 0) return options_.max_steps;
  const double steps = options_.num_epochs * static_cast<double>(steps_per_epoch());
  // 0.1 * 30 is 3.0000000000000004: that is three steps, not four.
  const double nearest = std::round(steps);
  const double exact =
      std::abs(steps - nearest) <= 1e-9 * std::max(1.0, nearest) ? nearest : std::ceil(steps);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(exact));
}

double BatchPlan::epoch_at(std::int64_t step) const {
  const std::int64_t whole = step / steps_per_epoch();
  const std::int64_t micro_batches = ceil_div(sequences_per_epoch_, options_.world_size);
  const std::int64_t done = (step % steps_per_epoch()) * options_.gradient_accumulation_steps;
  return static_cast<double>(whole) +
         static_cast<double>(done) / static_cast<double>(micro_batches);
}

std::int64_t BatchPlan::max_tokens_per_micro_batch() const {
  if (options_.sample_packing) {
    std::int64_t most = 0;
    for (const auto& sequence : epoch(0).sequences) {
      std::int64_t tokens = 0;
      for (const std::int64_t row : sequence) tokens += lengths_[static_cast<std::size_t>(row)];
      most = std::max(most, tokens);
    }
    // Another epoch may fill a sequence better than the first one does.
    return sequences_per_epoch_ == 1 ? most : options_.micro_batch_size * options_.sequence_len;
  }
  std::vector<std::int32_t> longest(lengths_);
  const std::size_t n =
      std::min(longest.size(), static_cast<std::size_t>(options_.micro_batch_size));
  std::nth_element(longest.begin(), longest.begin() + static_cast<std::ptrdiff_t>(n - 1),
                   longest.end(), std::greater<>());
  return std::accumulate(longest.begin(), longest.begin() + static_cast<std::ptrdiff_t>(n),
                         std::int64_t{0});
}

double BatchPlan::packing_efficiency() const {
  const std::int64_t tokens = std::accumulate(lengths_.begin(), lengths_.end(), std::int64_t{0});
  const std::int64_t sequences = options_.sample_packing
                                     ? sequences_per_epoch_ * options_.micro_batch_size
                                     : static_cast<std::int64_t>(lengths_.size());
  return static_cast<double>(tokens) /
         (static_cast<double>(sequences) * static_cast<double>(options_.sequence_len));
}

std::vector<std::int64_t> BatchPlan::rows(std::int64_t step, std::int64_t rank,
                                          std::int64_t micro) const {
  AXL_CHECK(step >= 0 && rank >= 0 && rank < options_.world_size && micro >= 0 &&
                micro < options_.gradient_accumulation_steps,
            "batch plan: step, rank or micro-batch out of range");
  const std::int64_t in_epoch = step % steps_per_epoch();
  // Unit numbers run over micro-batches first and ranks second: the step's share of the epoch is
  // one contiguous stretch, however it is cut into ranks and accumulation steps.
  const std::int64_t unit =
      (in_epoch * options_.gradient_accumulation_steps + micro) * options_.world_size + rank;
  const Epoch& e = epoch(step / steps_per_epoch());
  if (unit >= static_cast<std::int64_t>(e.sequences.size())) return {};
  return e.sequences[static_cast<std::size_t>(unit)];
}

std::int64_t BatchPlan::global_label_tokens(std::int64_t step,
                                            const PreparedDataset& dataset) const {
  const std::int64_t in_epoch = step % steps_per_epoch();
  const std::int64_t per_step = options_.gradient_accumulation_steps * options_.world_size;
  const Epoch& e = epoch(step / steps_per_epoch());
  const std::int64_t end =
      std::min((in_epoch + 1) * per_step, static_cast<std::int64_t>(e.sequences.size()));
  std::int64_t sum = 0;
  for (std::int64_t unit = in_epoch * per_step; unit < end; ++unit)
    for (const std::int64_t row : e.sequences[static_cast<std::size_t>(unit)])
      sum += dataset.label_tokens(row);
  return sum;
}

void append_document(MicroBatch& batch, std::span<const TokenId> ids,
                     std::span<const TokenId> labels) {
  AXL_CHECK(ids.size() == labels.size() && !ids.empty(), "a document without tokens");
  const std::size_t begin = batch.input_ids.size();
  batch.input_ids.insert(batch.input_ids.end(), ids.begin(), ids.end());
  // The target of a position is the label of the next token of the same document.
  batch.targets.insert(batch.targets.end(), labels.begin() + 1, labels.end());
  batch.targets.push_back(kIgnore);
  batch.positions.resize(batch.input_ids.size());
  std::iota(batch.positions.begin() + static_cast<std::ptrdiff_t>(begin), batch.positions.end(), 0);
  batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.input_ids.size()));
  batch.label_tokens +=
      std::count_if(labels.begin() + 1, labels.end(), [](TokenId t) { return t != kIgnore; });
}

void drop_tokens(MicroBatch& batch, TokenId replacement, double rate, std::uint64_t key) {
  if (rate <= 0.0) return;
  for (std::size_t i = 0; i < batch.input_ids.size(); ++i) {
    const bool first = batch.positions[i] == 0;  // BOS and the like
    const bool learned = !first && batch.targets[i - 1] != kIgnore;
    if (!first && !learned && random_uniform(key, kDropStream, i) < rate)
      batch.input_ids[i] = replacement;
  }
}

MicroBatch make_micro_batch(const PreparedDataset& dataset, const std::vector<std::int64_t>& rows,
                            RowLayout layout) {
  MicroBatch batch;
  std::int64_t total = 0;
  for (const std::int64_t row : rows) total += dataset.length(row);
  batch.input_ids.reserve(static_cast<std::size_t>(total));
  batch.targets.reserve(static_cast<std::size_t>(total));
  batch.positions.reserve(static_cast<std::size_t>(total));
  batch.cu_seqlens.reserve(rows.size() + 1);
  batch.cu_seqlens.push_back(0);
  for (const std::int64_t row : rows) {
    const SampleView sample = dataset.row(row);
    const std::span<const TokenId> ids = sample.input_ids, labels = sample.labels;
    const std::size_t second =
        layout == RowLayout::pair ? second_document(sample.labels) : ids.size();
    append_document(batch, ids.first(second), labels.first(second));
    if (second < ids.size()) append_document(batch, ids.subspan(second), labels.subspan(second));
  }
  return batch;
}

}  // namespace axl::data
