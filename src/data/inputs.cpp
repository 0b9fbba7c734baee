#include "data/inputs.hpp"

#include "core/error.hpp"
#include "core/rng.hpp"
#include "data/detect.hpp"
#include "data/hook.hpp"

namespace axl::data {
namespace {

// Stream of the run's seed that deals rows to shards (core/rng.hpp).
constexpr std::uint64_t kShardStream = 0x7072657000000002;

constexpr std::size_t kRowsLookedAt = 20;

void select_rows(Input& input, std::uint64_t seed) {
  std::vector<RowRef>& rows = input.rows.rows;
  const config::DatasetConfig& d = input.dataset;
  const auto [begin, end] = split_range(d.split, rows.size(), d.where);
  rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(end), rows.end());
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(begin));
  if (!d.shards) return;
  if (*d.shards <= 0 || d.shards_idx < 0 || d.shards_idx >= *d.shards)
    throw Error(ErrorCode::config, "shards_idx must be from 0 to shards - 1, got " +
                                       std::to_string(d.shards_idx) + " of " +
                                       std::to_string(*d.shards))
        .at(d.where);
  shuffle(rows, seed, kShardStream);
  const auto [first, last] = part_of_rows(rows.size(), static_cast<std::size_t>(*d.shards),
                                          static_cast<std::size_t>(d.shards_idx));
  rows = {rows.begin() + static_cast<std::ptrdiff_t>(first),
          rows.begin() + static_cast<std::ptrdiff_t>(last)};
}

std::optional<DetectedFormat> detect(const Input& input) {
  RowParser parser;
  for (std::size_t i = 0; i < std::min(kRowsLookedAt, input.rows.rows.size()); ++i) {
    const RowRef& ref = input.rows.rows[i];
    try {
      if (auto found = detect_format(parser.parse(input.files[ref.file], ref), input.dataset))
        return found;
    } catch (const RowError&) {
      continue;  // broken rows say nothing; they are counted later
    }
  }
  return std::nullopt;
}

}  // namespace

std::pair<std::size_t, std::size_t> part_of_rows(std::size_t rows, std::size_t count,
                                                 std::size_t index) {
  const std::size_t share = rows / count, extra = rows % count;
  const std::size_t first = index * share + std::min(index, extra);
  return {first, first + share + (index < extra ? 1 : 0)};
}

std::vector<Input> open_inputs(const std::vector<config::DatasetConfig>& datasets) {
  std::vector<Input> inputs(datasets.size());
  for (std::size_t i = 0; i < datasets.size(); ++i) {
    inputs[i].dataset = datasets[i];
    inputs[i].files = open_sources(datasets[i]);
  }
  return inputs;
}

void read_rows(Input& input, std::uint64_t seed) {
  const auto find = [&] {
    for (std::size_t f = 0; f < input.files.size(); ++f)
      find_rows(input.files[f], static_cast<std::uint32_t>(f), input.rows);
  };
  find();
  if (input.rows.of_field) input.dataset.field = config::DatasetConfig{}.field;
  if (!input.dataset.preprocess_command.empty()) {
    SourceFile mapped = run_hook(input.dataset, input.files, input.rows.rows);
    input.files.clear();
    input.files.push_back(std::move(mapped));
    input.rows.rows.clear();
    find();
  }
  input.rows_found = input.rows.rows.size();
  select_rows(input, seed);
}

void complete_format(Input& input, const config::Config& config,
                     std::vector<std::string>& warnings) {
  config::DatasetConfig& d = input.dataset;
  if (!d.type.empty() || !d.user_defined.empty() || input.rows.rows.empty()) return;
  if (!config.rl.empty()) return;  // no type: the columns are final
  const auto found = detect(input);
  if (!found) {
    RowParser parser;
    std::string columns = "none";
    try {
      const RowRef& ref = input.rows.rows.front();
      columns = parser.parse(input.files[ref.file], ref).columns();
    } catch (const RowError& e) {
      columns = e.why;
    }
    throw Error(ErrorCode::data, "dataset '" + d.path +
                                     "' has no type, and its rows fit no known "
                                     "format; columns of the first: " +
                                     columns)
        .at(d.where)
        .hint(
            "name the format under type:, or describe it by a map of field_instruction, "
            "field_output and format");
  }
  if (found->needs_rl)
    throw Error(ErrorCode::data, "dataset '" + d.path + "' has no type: " + found->why +
                                     ", which is for preference training")
        .at(d.where)
        .hint("give rl: dpo (or kto for judged answers) and " + found->yaml);
  d = found->dataset;
  warnings.push_back("dataset " + d.path + " has no type: " + found->why +
                     ", so they are read as " + found->yaml);
}

std::string format_hint(const Input& input) {
  const auto found = detect(input);
  if (!found) return "`type` and the field names must fit the rows";
  return found->why + ": they look like " + (found->needs_rl ? "rl: dpo with " : "") + found->yaml;
}

}  // namespace axl::data
