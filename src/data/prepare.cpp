#include "data/prepare.hpp"

#include <xxhash.h>

#include <cmath>
#include <unordered_set>

#include "core/log.hpp"
#include "core/rng.hpp"
#include "data/cache.hpp"
#include "data/format.hpp"
#include "data/prepared_file.hpp"
#include "data/source.hpp"
#include "data/tokenize.hpp"

namespace axl::data {
namespace {

// Streams of the run's seed that belong to preparation (core/rng.hpp).
constexpr std::uint64_t kShuffleStream = 0x7072657000000001;
constexpr std::uint64_t kShardStream = 0x7072657000000002;

/// One dataset of the configuration with its files and rows.
struct Input {
  const config::DatasetConfig* dataset = nullptr;
  std::vector<SourceFile> files;
  RowList rows;
  std::size_t rows_found = 0;
};

void select_rows(Input& input, std::uint64_t seed) {
  std::vector<RowRef>& rows = input.rows.rows;
  const config::DatasetConfig& d = *input.dataset;
  const auto [begin, end] = split_range(d.split, rows.size(), d.where);
  rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(end), rows.end());
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(begin));
  if (!d.shards) return;
  const std::size_t count = static_cast<std::size_t>(*d.shards);
  if (*d.shards <= 0 || d.shards_idx < 0 || d.shards_idx >= *d.shards)
    throw Error(ErrorCode::config, "shards_idx must be from 0 to shards - 1, got " +
                                       std::to_string(d.shards_idx) + " of " +
                                       std::to_string(*d.shards))
        .at(d.where);
  shuffle(rows, seed, kShardStream);
  const std::size_t index = static_cast<std::size_t>(d.shards_idx);
  const std::size_t share = rows.size() / count, extra = rows.size() % count;
  const std::size_t first = index * share + std::min(index, extra);
  const std::size_t last = first + share + (index < extra ? 1 : 0);
  rows = {rows.begin() + static_cast<std::ptrdiff_t>(first),
          rows.begin() + static_cast<std::ptrdiff_t>(last)};
}

TokenizedDataset tokenize_input(Input& input, const config::Config& config,
                                const tokenizer::Tokenizer& tokenizer, std::int64_t sequence_len,
                                std::vector<std::string>& warnings,
                                const std::function<void(std::int64_t)>& done) {
  config::DatasetConfig dataset = *input.dataset;
  if (!input.rows.rows.empty() && dataset.user_defined.empty() &&
      is_pretokenized(input.files, input.rows.rows.front()))
    dataset.type = "pretokenized";
  const RowConverter convert = make_converter(dataset, config, tokenizer, sequence_len, &warnings);
  TokenizeOptions options;
  options.sequence_len = sequence_len;
  options.min_sample_len = config.min_sample_len;
  options.excess_length_strategy = config.excess_length_strategy;
  options.threads = config.dataset_num_proc > 0 ? config.dataset_num_proc : available_threads();
  options.eos = tokenizer.eos_id().value_or(-1);
  TokenizedDataset out = tokenize_rows(input.files, input.rows.rows, convert, options, done);
  out.report.path = input.dataset->path;
  out.report.type = dataset.user_defined.empty() ? dataset.type : "user-defined";
  out.report.rows_read += static_cast<std::int64_t>(input.rows.broken.size());
  out.report.dropped_broken += static_cast<std::int64_t>(input.rows.broken.size());
  for (std::string& text : input.rows.broken)
    if (out.report.examples.size() < options.most_examples)
      out.report.examples.push_back(std::move(text));
  return out;
}

/// Says what a user must know about a dataset before training on it.
void judge(const Input& input, const TokenizedDataset& data, std::int64_t sequence_len,
           std::vector<std::string>& warnings) {
  const DatasetReport& r = data.report;
  const std::string name = "dataset " + r.path + ": ";
  if (r.rows_read == 0)
    throw Error(ErrorCode::data, "dataset '" + r.path + "' has no rows")
        .at(input.dataset->where)
        .hint(input.rows_found > 0 ? "split '" + input.dataset->split + "' selects none of its " +
                                         std::to_string(input.rows_found) + " rows"
                                   : "its files are empty");
  if (r.dropped_broken == r.rows_read)
    throw Error(ErrorCode::data, "dataset '" + r.path + "': none of its " +
                                     std::to_string(r.rows_read) + " rows can be used as type " +
                                     r.type + "; the first one: " + r.examples.front())
        .at(input.dataset->where)
        .hint("`type` and the field names must fit the rows");
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
  if (r.rows_kept > 0 && data.rows_with_eos_label == 0)
    warnings.push_back(name +
                       "no EOS token is ever trained: the model will not learn to stop "
                       "(see train_on_eos, eot_tokens and special_tokens.eos_token)");
}

/// Rows of several datasets in the order in which they are written.
struct Merged {
  std::vector<PreparedRow> rows;
  std::vector<std::uint32_t> dataset;  ///< of each row
};

Merged merge(std::vector<TokenizedDataset>& datasets, bool deduplicate) {
  Merged out;
  std::unordered_set<std::string> seen;
  for (std::size_t d = 0; d < datasets.size(); ++d) {
    for (const TokenStore& part : datasets[d].parts)
      for (const StoredRow& row : part.rows) {
        const PreparedRow prepared{part.tokens_of(row), part.runs_of(row)};
        if (deduplicate) {
          const XXH128_hash_t a =
              XXH3_128bits(prepared.tokens.data(), prepared.tokens.size_bytes());
          const XXH128_hash_t b =
              XXH3_128bits_withSeed(prepared.runs.data(), prepared.runs.size_bytes(), a.low64);
          std::string identity(reinterpret_cast<const char*>(&a), sizeof a);
          identity.append(reinterpret_cast<const char*>(&b), sizeof b);
          if (!seen.insert(std::move(identity)).second) {
            DatasetReport& r = datasets[d].report;
            ++r.deduplicated;
            --r.rows_kept;
            r.tokens -= static_cast<std::int64_t>(prepared.tokens.size());
            r.label_tokens -= predicted_labels(prepared.runs);
            continue;
          }
        }
        out.rows.push_back(prepared);
        out.dataset.push_back(static_cast<std::uint32_t>(d));
      }
  }
  return out;
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

/// Keys that the configuration knows and that preparation does not carry out.
void refuse_unsupported(const config::Config& config) {
  const auto refuse = [&](bool given, const char* key) {
    if (given)
      throw Error(ErrorCode::unsupported, std::string(key) + " is not supported yet")
          .at(config.at(key));
  };
  refuse(!config.rl.empty(), "rl");
  refuse(config.streaming, "streaming");
  refuse(!config.pretraining_dataset.empty(), "pretraining_dataset");
  refuse(config.dataset_near_deduplication > 0, "dataset_near_deduplication");
  refuse(config.shuffle_before_merging_datasets, "shuffle_before_merging_datasets");
  refuse(config.dataset_shard_num.has_value(), "dataset_shard_num");
  refuse(config.dataset_mixing != "concatenate", "dataset_mixing");
  refuse(config.dataset_mixing_temperature.has_value(), "dataset_mixing_temperature");
  refuse(!config.curriculum_order.empty(), "curriculum_order");
  refuse(config.token_dropout > 0, "token_dropout");
  for (const auto* list : {&config.datasets, &config.test_datasets})
    for (const config::DatasetConfig& d : *list) {
      refuse(d.weight != 1.0, "weight");
      refuse(!d.preprocess_command.empty(), "preprocess_command");
      refuse(!d.row_transforms.empty(), "row_transforms");
    }
}

std::vector<Input> open_inputs(const std::vector<config::DatasetConfig>& datasets) {
  std::vector<Input> inputs(datasets.size());
  for (std::size_t i = 0; i < datasets.size(); ++i) {
    inputs[i].dataset = &datasets[i];
    inputs[i].files = open_sources(datasets[i]);
  }
  return inputs;
}

}  // namespace

PrepareResult prepare(const config::Config& config, const tokenizer::Tokenizer& tokenizer,
                      const std::function<void(std::int64_t, std::int64_t)>& progress) {
  if (config.datasets.empty())
    throw Error(ErrorCode::config, "no datasets given").at(config.at("datasets"));
  refuse_unsupported(config);
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
      for (std::size_t f = 0; f < input.files.size(); ++f)
        find_rows(input.files[f], static_cast<std::uint32_t>(f), input.rows);
      input.rows_found = input.rows.rows.size();
      select_rows(input, static_cast<std::uint64_t>(config.seed));
      total += static_cast<std::int64_t>(input.rows.rows.size());
    }

  PrepareResult result;
  const auto tokenize_all = [&](std::vector<Input>& inputs, std::int64_t sequence_len) {
    std::vector<TokenizedDataset> out;
    for (Input& input : inputs) {
      const auto done = [&](std::int64_t n) {
        if (progress) progress(before + n, total);
      };
      const std::int64_t rows = static_cast<std::int64_t>(input.rows.rows.size());
      out.push_back(tokenize_input(input, config, tokenizer, sequence_len, result.warnings, done));
      judge(input, out.back(), sequence_len, result.warnings);
      before += rows;
    }
    return out;
  };
  std::vector<TokenizedDataset> train_data = tokenize_all(train, config.sequence_len);
  std::vector<TokenizedDataset> test_data =
      tokenize_all(test, config.eval_sequence_len.value_or(config.sequence_len));

  Merged merged = merge(train_data, config.dataset_exact_deduplication);
  Merged eval = merge(test_data, config.dataset_exact_deduplication);
  const bool keep_order = !config.shuffle_merged_datasets ||
                          (config.curriculum_sampling && config.datasets.size() == 1);
  if (!keep_order) shuffle(merged.rows, static_cast<std::uint64_t>(config.seed), kShuffleStream);
  std::size_t held_out = 0;
  if (test.empty()) {
    held_out = validation_rows(config, merged.rows.size());
    eval.rows.assign(merged.rows.end() - static_cast<std::ptrdiff_t>(held_out), merged.rows.end());
    merged.rows.resize(merged.rows.size() - held_out);
  }
  if (merged.rows.empty())
    throw Error(ErrorCode::data, "no row is left to train on")
        .at(config.at("datasets"))
        .hint(result.warnings.empty() ? "see sequence_len and min_sample_len"
                                      : result.warnings.front());
  for (auto* data : {&train_data, &test_data})
    for (TokenizedDataset& d : *data) result.reports.push_back(std::move(d.report));

  CacheFolder folder(config.dataset_prepared_path, key);
  write_prepared_file(folder.train_path(), merged.rows, key.fingerprint);
  if (!eval.rows.empty()) write_prepared_file(folder.eval_path(), eval.rows, key.fingerprint);
  folder.commit(key, result, !eval.rows.empty());
  return result;
}

}  // namespace axl::data
