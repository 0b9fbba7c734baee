#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "cli/command.hpp"
#include "cli/overrides.hpp"
#include "cli/prepare_rows.hpp"
#include "config/config.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "data/comparisons.hpp"
#include "data/summary.hpp"

namespace axl::cli {
namespace {

struct Options {
  std::string file;
  bool strict = false;
  bool no_color = false;
  bool eval = false;
  std::int64_t rows = 3;
  std::int64_t first = 0;
};

/// Rows may hold anything: a control character must not steer the terminal.
std::string printable(std::string text) {
  for (char& c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f) c = '?';
  return text;
}

/// Colours of a terminal, or brackets.
struct Marks {
  explicit Marks(bool colored) : color(colored) {}
  void masked(const std::string& text) const {
    fmt::print("{}{}{}", color ? "\x1b[90m" : "", printable(text), color ? "\x1b[0m" : "");
  }
  void good(const std::string& text) const {
    fmt::print("{}{}{}", color ? "\x1b[32m" : "[[", printable(text), color ? "\x1b[0m" : "]]");
  }
  void bad(const std::string& text) const {
    fmt::print("{}{}{}", color ? "\x1b[31m" : "((", printable(text), color ? "\x1b[0m" : "))");
  }
  bool color;
};

void show(const data::ShownComparison& shown, const Marks& marks) {
  const data::Comparison& row = shown.row;
  if (!row.prompt.empty()) {
    fmt::print("prompt: ");
    marks.masked(row.prompt);
    fmt::print("\n");
  }
  if (!row.steps.empty()) {
    for (const data::Step& step : row.steps) {
      fmt::print("{}: ", step.label == 1   ? "right step"
                         : step.label == 0 ? "wrong step"
                                           : "step without label");
      step.label == 1 ? marks.good(step.text) : marks.bad(step.text);
      fmt::print("\n");
    }
    return;
  }
  if (row.desirable) {
    fmt::print("{} answer: ", *row.desirable ? "good" : "bad");
    *row.desirable ? marks.good(row.chosen) : marks.bad(row.chosen);
    fmt::print("\n");
    return;
  }
  fmt::print("chosen: ");
  marks.good(row.chosen);
  fmt::print("\nrejected: ");
  marks.bad(row.rejected);
  fmt::print("\n");
}

int preview_comparisons(const Options& options, const config::Config& config,
                        const tokenizer::Tokenizer& tokenizer, const Marks& marks) {
  const data::ComparisonResult result =
      data::read_comparisons(config, tokenizer, options.first, options.rows);
  for (const std::string& warning : result.warnings) log::warning("{}", warning);
  std::int64_t kept = 0;
  for (const data::ComparisonReport& report : result.reports) {
    kept += report.rows_kept;
    for (const std::string& line : data::report_lines(report)) fmt::print("{}\n", line);
  }
  fmt::print("{}\n", marks.color
                         ? "\x1b[32mbetter\x1b[0m \x1b[31mworse\x1b[0m \x1b[90mprompt\x1b[0m"
                         : "[[better]] ((worse))");
  std::int64_t i = options.first;
  for (const data::ShownComparison& shown : result.shown) {
    fmt::print("--- row {} of {} ({}): prompt {} tokens, answer {}", i++, kept, shown.type,
               shown.prompt_tokens, shown.chosen_tokens);
    if (shown.rejected_tokens > 0) fmt::print(" and {}", shown.rejected_tokens);
    fmt::print("\n");
    show(shown, marks);
  }
  return kExitDone;
}

int preview(const Options& options, const Overrides& overrides) {
  config::LoadOptions load_options;
  load_options.strict = options.strict;
  load_options.overrides = overrides;
  load_options.rows_only = true;
  const config::Config config = config::load_or_throw(options.file, load_options);
  const tokenizer::Tokenizer tokenizer = data::load_tokenizer(config);
  const Marks marks(!options.no_color && ::isatty(STDOUT_FILENO) == 1);
  if (data::has_comparisons(config)) return preview_comparisons(options, config, tokenizer, marks);
  const data::PrepareResult result = prepare_rows(config, tokenizer);
  if (options.eval && result.eval_path.empty())
    throw Error(ErrorCode::config,
                "there is no evaluation set: val_set_size is 0 and "
                "test_datasets is not given");
  const data::PreparedDataset rows =
      data::PreparedDataset::open(options.eval ? result.eval_path : result.train_path);
  fmt::print("{}\n",
             marks.color ? "\x1b[32mtrained\x1b[0m \x1b[90mmasked\x1b[0m" : "[[trained]] masked");
  for (const data::DatasetReport& report : result.reports)
    for (const std::string& line : data::report_lines(report)) fmt::print("{}\n", line);
  const std::int64_t last = std::min(rows.rows(), options.first + options.rows);
  for (std::int64_t i = options.first; i < last; ++i) {
    fmt::print("--- row {} of {}: {} tokens, {} trained\n", i, rows.rows(), rows.length(i),
               rows.label_tokens(i));
    for (const data::MaskedText& piece : data::masked_text(rows.row(i), tokenizer))
      piece.trained ? marks.good(piece.text) : marks.masked(piece.text);
    fmt::print("\n");
  }
  return kExitDone;
}

void define(CommandLine& command, std::function<int()>& action) {
  auto options = std::make_shared<Options>();
  command.add_option("CONFIG", options->file, "The YAML file").required();
  command.add_option("--rows", options->rows, "How many rows")
      .between(std::int64_t{1}, std::int64_t{1} << 30)
      .value_name("N");
  command.add_option("--first", options->first, "The first row shown, from 0")
      .between(std::int64_t{0}, std::int64_t{1} << 40)
      .value_name("N");
  command.add_flag("--eval", options->eval, "Rows of the evaluation set");
  command.add_flag("--no-color", options->no_color, "Brackets instead of colours");
  command.add_flag("--strict", options->strict, "Unknown keys are errors");
  command.allow_overrides();
  command.footer(
      "Shows what the model sees: trained tokens green, masked ones grey.\n"
      "Examples:\n"
      "  axolotl-hpc preview run.yaml\n"
      "  axolotl-hpc preview run.yaml --rows 10 --no-color | less");
  action = [options, &command] { return preview(*options, command.overrides()); };
}

}  // namespace

CommandSpec preview_command() {
  return {.name = "preview",
          .summary = "Show rows as the model sees them, with their label mask",
          .define = &define};
}

}  // namespace axl::cli
