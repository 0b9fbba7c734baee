#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include "cli/command.hpp"
#include "cli/overrides.hpp"
#include "cli/prepare_rows.hpp"
#include "config/config.hpp"
#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "data/comparisons.hpp"
#include "data/plan_options.hpp"
#include "data/summary.hpp"

namespace axl::cli {
namespace {

struct Options {
  std::string file;
  bool strict = false;
  std::int64_t ranks = 1;
  std::string svg;
};

void print_histogram(const std::vector<data::LengthClass>& classes) {
  std::int64_t most = 1;
  for (const data::LengthClass& c : classes) most = std::max(most, c.rows);
  fmt::print("lengths of rows in tokens\n");
  for (const data::LengthClass& c : classes)
    fmt::print("  {:>6} to {:>6} {:>9} {}\n", c.from, c.to, c.rows,
               std::string(static_cast<std::size_t>((40 * c.rows + most - 1) / most), '#'));
}

/// Preference and reward rows: read and checked. `trained`: they will be prepared too.
void check_comparisons(const config::Config& config, const tokenizer::Tokenizer& tokenizer,
                       bool trained) {
  const data::ComparisonResult result = data::read_comparisons(config, tokenizer, 0, 0);
  if (!trained)
    for (const std::string& warning : result.warnings) log::warning("{}", warning);
  for (const data::ComparisonReport& report : result.reports)
    for (const std::string& line : data::report_lines(report)) fmt::print("{}\n", line);
  if (!trained) fmt::print("these rows were checked; training on them is not supported yet\n");
}

int preprocess(const Options& options, const Overrides& overrides) {
  config::LoadOptions load_options;
  load_options.strict = options.strict;
  load_options.overrides = overrides;
  load_options.rows_only = true;
  const config::Config config = config::load_or_throw(options.file, load_options);
  const auto start = std::chrono::steady_clock::now();
  const tokenizer::Tokenizer tokenizer = data::load_tokenizer(config);
  const bool compared = data::has_comparisons(config), trained = config.rl == "dpo";
  if (compared) check_comparisons(config, tokenizer, trained);
  if (compared && !trained) return kExitDone;
  const data::PrepareResult result = prepare_rows(config, tokenizer);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  if (!compared)
    for (const data::DatasetReport& report : result.reports)
      for (const std::string& line : data::report_lines(report)) fmt::print("{}\n", line);
  const data::PreparedDataset train = data::PreparedDataset::open(result.train_path);
  train.verify();
  const auto classes = data::length_histogram(train, config.sequence_len, 16);
  print_histogram(classes);
  const std::string svg =
      options.svg.empty()
          ? (std::filesystem::path(result.train_path).parent_path() / "lengths.svg").string()
          : options.svg;
  if (!options.svg.empty() || !std::filesystem::exists(svg))
    write_durably(svg, data::histogram_svg(classes, "Lengths of the rows of " + options.file));
  fmt::print("the same as an image: {}\n", svg);
  const auto plan_options = data::train_plan_options(config, options.ranks);
  const data::BatchPlan plan(train.lengths(), plan_options);
  const auto share = [](const data::PreparedDataset& d) {
    return 100.0 * static_cast<double>(d.total_label_tokens()) /
           static_cast<double>(std::max<std::int64_t>(1, d.total_tokens()));
  };
  fmt::print("training: {} rows, {} tokens, trained on {} ({:.1f} %)\n", train.rows(),
             train.total_tokens(), train.total_label_tokens(), share(train));
  if (!result.eval_path.empty()) {
    const data::PreparedDataset eval = data::PreparedDataset::open(result.eval_path);
    eval.verify();
    fmt::print("evaluation: {} rows, {} tokens, with labels {} ({:.1f} %)\n", eval.rows(),
               eval.total_tokens(), eval.total_label_tokens(), share(eval));
  }
  fmt::print("{}: {:.1f} % of the tokens of {} are used\n",
             config.sample_packing ? "packing" : "no packing", 100.0 * plan.packing_efficiency(),
             config.sample_packing ? "every sequence" : "sequence_len");
  fmt::print("steps: {} in all, {} an epoch, on {} rank{}\n", plan.total_steps(),
             plan.steps_per_epoch(), options.ranks, options.ranks == 1 ? "" : "s");
  fmt::print("{} {} in {:.2f} s\n", result.from_cache ? "found" : "wrote", result.train_path,
             seconds);
  return kExitDone;
}

void define(CommandLine& command, std::function<int()>& action) {
  auto options = std::make_shared<Options>();
  command.add_option("CONFIG", options->file, "The YAML file").required();
  command.add_flag("--strict", options->strict, "Unknown keys are errors");
  command.add_option("--ranks", options->ranks, "Ranks to count the steps for")
      .between(std::int64_t{1}, std::int64_t{1} << 30)
      .value_name("N");
  command.add_option("--svg", options->svg, "Where the histogram of lengths goes as an image")
      .value_name("FILE");
  command.allow_overrides();
  command.footer(
      "Training does the same on its first rank when it has not been done before.\n"
      "Examples:\n"
      "  axolotl-hpc preprocess run.yaml\n"
      "  axolotl-hpc preprocess run.yaml --sample-packing --ranks 64");
  action = [options, &command] { return preprocess(*options, command.overrides()); };
}

}  // namespace

CommandSpec preprocess_command() {
  return {.name = "preprocess",
          .summary = "Tokenise the datasets into the cache and report rows, tokens and steps",
          .define = &define};
}

}  // namespace axl::cli
