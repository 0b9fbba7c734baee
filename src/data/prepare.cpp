#include "data/prepare.hpp"

#include <cmath>
#include <utility>

#include "core/log.hpp"
#include "core/rng.hpp"
#include "data/cache.hpp"
#include "data/format.hpp"
#include "data/inputs.hpp"
#include "data/mixing.hpp"
#include "data/preference.hpp"
#include "data/prepared_file.hpp"
#include "data/summary.hpp"
#include "data/tokenize.hpp"
#include "data/transforms.hpp"
#include "data/workers.hpp"

namespace axl::data {
namespace {

// Streams of the run's seed that belong to preparation (core/rng.hpp).
constexpr std::uint64_t kShuffleStream = 0x7072657000000001;
constexpr std::uint64_t kBeforeMergingStream = 0x7072657200000000;  // + dataset

TokenizedDataset tokenize_input(Input& input, const config::Config& config,
                                const tokenizer::Tokenizer& tokenizer, std::int64_t sequence_len,
                                std::vector<std::string>& warnings,
                                const std::function<void(std::int64_t)>& done) {
  complete_format(input, config, warnings);
  config::DatasetConfig dataset = input.dataset;
  const bool pairs = !config.rl.empty();
  if (!pairs && !input.rows.rows.empty() && dataset.user_defined.empty() &&
      is_pretokenized(input.files, input.rows.rows.front()))
    dataset.type = "pretokenized";
  const RowConverter convert = with_transforms(
      dataset, pairs
                   ? make_pair_converter({tokenizer, config, dataset, sequence_len, "", &warnings})
                   : make_converter(dataset, config, tokenizer, sequence_len, &warnings));
  TokenizeOptions options;
  options.length = {sequence_len, config.min_sample_len, config.excess_length_strategy};
  options.threads = config.dataset_num_proc > 0 ? config.dataset_num_proc : available_threads();
  options.eos = tokenizer.eos_id().value_or(-1);
  TokenizedDataset out = tokenize_rows(input.files, input.rows.rows, convert, options, done);
  out.report.path = input.dataset.path;
  out.report.type = dataset.user_defined.empty() ? dataset.type : "user-defined";
  out.report.rows_read += static_cast<std::int64_t>(input.rows.broken.size());
  for (std::string& text : input.rows.broken) count_broken(out.report, std::move(text));
  return out;
}

/// Says what a user must know about a dataset before training on it.
void judge(const Input& input, const TokenizedDataset& data, std::int64_t sequence_len,
           bool evaluation, std::vector<std::string>& warnings) {
  const DatasetReport& r = data.report;
  const std::string name = "dataset " + r.path + ": ";
  require_usable_rows(input, r);
  if (evaluation && r.rows_kept == 0)
    throw Error(ErrorCode::data,
                fmt::format("dataset '{}': none of its {} rows is left to evaluate on{}", r.path,
                            r.rows_read, losses(r)))
        .at(input.dataset.where)
        .hint("see eval_sequence_len, sequence_len, min_sample_len and excess_length_strategy");
  const auto share = [&](std::int64_t n) {
    return fmt::format("{} of {} rows ({:.1f} %)", n, r.rows_read,
                       100.0 * static_cast<double>(n) / static_cast<double>(r.rows_read));
  };
  if (r.dropped_broken > 0)
    warnings.push_back(name + share(r.dropped_broken) +
                       " are broken and were skipped, first: " + r.examples.front());
  if (r.dropped_too_long > 0)
    warnings.push_back(name + share(r.dropped_too_long) + " are longer than sequence_len " +
                       std::to_string(sequence_len) +
                       " and were dropped (excess_length_strategy: truncate keeps their start)");
  if (r.dropped_no_labels > 0)
    warnings.push_back(name + share(r.dropped_no_labels) +
                       " have no token to train on and were dropped");
  if (r.truncated > 0)
    warnings.push_back(name + share(r.truncated) + " were cut: " + std::to_string(r.lost_tokens) +
                       " of their tokens are in no sample");
  for (const std::string& note : note_lines(r.notes)) warnings.push_back(name + note);
  if (r.rows_kept > 0 && data.rows_with_eos_label == 0)
    warnings.push_back(name +
                       "no EOS token is ever trained: the model will not learn to stop "
                       "(see train_on_eos, eot_tokens and special_tokens.eos_token)");
}

std::size_t validation_rows(const config::Config& config, std::size_t rows) {
  const double size = config.val_set_size;
  if (size <= 0) return 0;
  const double wanted = size < 1.0 ? std::ceil(size * static_cast<double>(rows)) : std::floor(size);
  if (size == 1.0 || wanted >= static_cast<double>(rows))
    throw Error(
        ErrorCode::config,
        fmt::format("val_set_size {} leaves no row to train on: {} rows were prepared", size, rows))
        .at(config.at("val_set_size"))
        .hint("below 1 it is a share of the rows, above 1 their number");
  return static_cast<std::size_t>(wanted);
}

/// What cannot become a prepared file.
void refuse(const config::Config& config) {
  if (!config.rl.empty() && config.rl != "dpo")
    throw Error(ErrorCode::unsupported,
                "training on preference rows (rl: " + config.rl + ") is not supported yet")
        .at(config.at("rl"))
        .hint("preview and preprocess read and check them");
  for (const auto* list : {&config.datasets, &config.test_datasets})
    for (const config::DatasetConfig& d : *list)
      if (config.rl.empty() && is_comparison(config, d))
        throw Error(ErrorCode::unsupported, "training on type " + d.type + " is not supported yet")
            .at(d.where)
            .hint("preview and preprocess read and check its rows");
}

/// The part of the rows that dataset_shard_num and dataset_shard_idx ask for; both are needed, and
/// the first parts are the longer ones, as in Axolotl.
Merged shard_of(Merged rows, const config::Config& config) {
  if (!config.dataset_shard_num || !config.dataset_shard_idx) return rows;
  if (*config.dataset_shard_idx >= *config.dataset_shard_num)
    throw Error(ErrorCode::config,
                fmt::format("dataset_shard_idx must be less than dataset_shard_num ({}), got {}",
                            *config.dataset_shard_num, *config.dataset_shard_idx))
        .at(config.at("dataset_shard_idx"));
  const auto [begin, end] =
      part_of_rows(rows.size(), static_cast<std::size_t>(*config.dataset_shard_num),
                   static_cast<std::size_t>(*config.dataset_shard_idx));
  return rows.part(begin, end);
}

/// Training rows in their final order, and the rows held out for evaluation.
struct Split {
  Merged train, eval;
};

Split split_and_order(Merged rows, const config::Config& config, bool has_test) {
  const std::uint64_t seed = static_cast<std::uint64_t>(config.seed);
  const bool keep_order = !config.shuffle_merged_datasets ||
                          (config.curriculum_sampling && config.datasets.size() == 1);
  const bool shuffled = !keep_order && config.dataset_mixing != "interleave";
  const bool shuffled_before = config.shuffle_before_merging_datasets && config.datasets.size() > 1;
  if (shuffled_before || (!keep_order && !shuffled)) {
    Merged all;
    for (std::size_t d = 0, begin = 0; d < config.datasets.size(); ++d) {
      std::size_t end = begin;
      while (end < rows.size() && rows.dataset[end] == d) ++end;
      Merged one = rows.part(begin, end);
      shuffle_rows(one, seed, kBeforeMergingStream + d);
      for (std::size_t i = 0; i < one.size(); ++i) all.add(one.rows[i], one.dataset[i]);
      begin = end;
    }
    rows = std::move(all);
  }
  if (shuffled) shuffle_rows(rows, seed, kShuffleStream);
  rows = shard_of(std::move(rows), config);
  Split out;
  const std::size_t held_out = has_test ? 0 : validation_rows(config, rows.size());
  out.eval = rows.part(rows.size() - held_out, rows.size());
  out.train = rows.part(0, rows.size() - held_out);
  // Weights come after the split: a row taken twice must not stand on both sides of it.
  if (is_mixture(config)) {
    out.train = mix(out.train, config);
    if (shuffled) shuffle_rows(out.train, seed, kShuffleStream);
  }
  if (!config.curriculum_order.empty()) order_by_length(out.train, config.curriculum_order);
  return out;
}

}  // namespace

namespace {

using Progress = std::function<void(std::int64_t, std::int64_t)>;

/// With `evaluation`, all rows are for evaluating a model, also those of `datasets`.
PrepareResult prepare_rows(const config::Config& config, const tokenizer::Tokenizer& tokenizer,
                           bool evaluation, const Progress& progress) {
  if (config.datasets.empty())
    throw Error(ErrorCode::config, "no datasets given").at(config.at("datasets"));
  refuse(config);
  std::vector<Input> train = open_inputs(config.datasets);
  std::vector<Input> test = open_inputs(config.test_datasets);
  std::vector<std::vector<SourceFile>> sources;
  for (auto* inputs : {&train, &test})
    for (Input& input : *inputs) sources.push_back(std::move(input.files));
  const CacheKey key = cache_key(config, tokenizer, sources);
  if (auto cached = find_cached(config.dataset_prepared_path, key)) return *cached;

  std::int64_t total = 0, before = 0;
  std::size_t at = 0;
  for (auto* inputs : {&train, &test})
    for (Input& input : *inputs) {
      input.files = std::move(sources[at++]);
      read_rows(input, static_cast<std::uint64_t>(config.seed));
      total += static_cast<std::int64_t>(input.rows.rows.size());
    }

  PrepareResult result;
  const auto tokenize_all = [&](std::vector<Input>& inputs, std::int64_t sequence_len,
                                bool for_evaluation) {
    std::vector<TokenizedDataset> out;
    for (Input& input : inputs) {
      const auto done = [&](std::int64_t n) {
        if (progress) progress(before + n, total);
      };
      const std::int64_t rows = static_cast<std::int64_t>(input.rows.rows.size());
      out.push_back(tokenize_input(input, config, tokenizer, sequence_len, result.warnings, done));
      judge(input, out.back(), sequence_len, for_evaluation, result.warnings);
      before += rows;
    }
    return out;
  };
  std::vector<TokenizedDataset> train_data = tokenize_all(train, config.sequence_len, evaluation);
  std::vector<TokenizedDataset> test_data =
      tokenize_all(test, config.eval_sequence_len.value_or(config.sequence_len), true);

  Split rows = split_and_order(collect(train_data, config), config, !test.empty());
  if (!test.empty()) rows.eval = shard_of(collect(test_data, config), config);
  if (!test.empty() && rows.eval.rows.empty())
    throw Error(ErrorCode::data, "no row of test_datasets is left to evaluate on")
        .at(config.at("test_datasets"))
        .hint(result.warnings.empty() ? "see eval_sequence_len, sequence_len and min_sample_len"
                                      : result.warnings.back());
  for (const std::uint32_t d : rows.train.dataset) ++train_data[d].report.rows_used;
  if (rows.train.rows.empty())
    throw Error(ErrorCode::data, "no row is left to train on")
        .at(config.at("datasets"))
        .hint(result.warnings.empty() ? "see sequence_len and min_sample_len"
                                      : result.warnings.front());
  for (auto* data : {&train_data, &test_data})
    for (TokenizedDataset& d : *data) result.reports.push_back(std::move(d.report));

  CacheFolder folder(config.dataset_prepared_path, key);
  write_prepared_file(folder.train_path(), rows.train.rows, key.fingerprint);
  if (!rows.eval.rows.empty())
    write_prepared_file(folder.eval_path(), rows.eval.rows, key.fingerprint);
  folder.commit(key, result, !rows.eval.rows.empty());
  return result;
}

}  // namespace

PrepareResult prepare(const config::Config& config, const tokenizer::Tokenizer& tokenizer,
                      const Progress& progress) {
  return prepare_rows(config, tokenizer, false, progress);
}

PrepareResult prepare_test_rows(const config::Config& config,
                                const tokenizer::Tokenizer& tokenizer) {
  if (config.test_datasets.empty()) return {};
  config::Config test = config;
  test.datasets = config.test_datasets;
  test.test_datasets.clear();
  test.pretraining_dataset.clear();
  test.streaming = false;
  test.val_set_size = 0;
  test.sequence_len = config.eval_sequence_len.value_or(config.sequence_len);
  test.shuffle_merged_datasets = false;
  test.shuffle_before_merging_datasets = false;
  test.dataset_mixing = "concatenate";
  test.dataset_mixing_temperature.reset();
  test.curriculum_order.clear();
  for (config::DatasetConfig& d : test.datasets) d.weight = 1.0;
  PrepareResult out = prepare_rows(test, tokenizer, true, {});
  out.eval_path = std::exchange(out.train_path, "");
  return out;
}

}  // namespace axl::data
