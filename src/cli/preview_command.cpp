#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "cli/command.hpp"
#include "cli/overrides.hpp"
#include "cli/prepare_rows.hpp"
#include "config/config.hpp"
#include "core/error.hpp"
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

int preview(const Options& options, const Overrides& overrides) {
  config::LoadOptions load_options;
  load_options.strict = options.strict;
  load_options.overrides = overrides;
  load_options.rows_only = true;
  const config::Config config = config::load_or_throw(options.file, load_options);
  const tokenizer::Tokenizer tokenizer = data::load_tokenizer(config);
  const data::PrepareResult result = prepare_rows(config, tokenizer);
  if (options.eval && result.eval_path.empty())
    throw Error(ErrorCode::config,
                "there is no evaluation set: val_set_size is 0 and "
                "test_datasets is not given");
  const data::PreparedDataset rows =
      data::PreparedDataset::open(options.eval ? result.eval_path : result.train_path);
  const bool color = !options.no_color && ::isatty(STDOUT_FILENO) == 1;
  const char* begin = color ? "\x1b[32m" : "[[";
  const char* end = color ? "\x1b[0m" : "]]";
  fmt::print("{}\n", color ? "\x1b[32mtrained\x1b[0m \x1b[90mmasked\x1b[0m" : "[[trained]] masked");
  const std::int64_t last = std::min(rows.rows(), options.first + options.rows);
  for (std::int64_t i = options.first; i < last; ++i) {
    fmt::print("--- row {} of {}: {} tokens, {} trained\n", i, rows.rows(), rows.length(i),
               rows.label_tokens(i));
    for (const data::MaskedText& piece : data::masked_text(rows.row(i), tokenizer)) {
      const std::string text = printable(piece.text);
      if (piece.trained)
        fmt::print("{}{}{}", begin, text, end);
      else if (color)
        fmt::print("\x1b[90m{}\x1b[0m", text);
      else
        fmt::print("{}", text);
    }
    fmt::print("\n");
  }
  return kExitDone;
}

void define(CLI::App& command, std::function<int()>& action) {
  auto options = std::make_shared<Options>();
  command.add_option("CONFIG", options->file, "The YAML file")->required();
  command.add_option("--rows", options->rows, "How many rows")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->option_text("N");
  command.add_option("--first", options->first, "The first row shown, from 0")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40))
      ->option_text("N");
  command.add_flag("--eval", options->eval, "Rows of the evaluation set");
  command.add_flag("--no-color", options->no_color, "Brackets instead of colours");
  command.add_flag("--strict", options->strict, "Unknown keys are errors");
  command.allow_extras();
  command.footer(
      "Shows what the model sees: trained tokens green, masked ones grey.\n"
      "Examples:\n"
      "  axolotl-hpc preview run.yaml\n"
      "  axolotl-hpc preview run.yaml --rows 10 --no-color | less");
  action = [options, &command] { return preview(*options, overrides_from(command)); };
}

}  // namespace

CommandSpec preview_command() {
  return {.name = "preview",
          .summary = "Show rows as the model sees them, with their label mask",
          .define = &define};
}

}  // namespace axl::cli
