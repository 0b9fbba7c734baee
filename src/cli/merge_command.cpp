#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>

#include "checkpoint/merge.hpp"
#include "cli/command.hpp"
#include "cli/element_type.hpp"
#include "cli/overrides.hpp"
#include "cli/transfer_progress.hpp"
#include "config/config.hpp"
#include "core/error.hpp"
#include "train/session.hpp"

namespace axl::cli {
namespace {

struct MergeArguments {
  std::string config;
  std::string base;
  std::string adapter;
  std::string target;
  std::string dtype;
  double max_shard_gb = 5.0;
  bool overwrite = false;
};

/// What the command line leaves out follows from the configuration: the adapter that training left
/// in output_dir goes into output_dir/merged.
std::optional<quant::FourBitOptions> fill_from_config(MergeArguments& arguments,
                                                      const Overrides& overrides) {
  if (arguments.config.empty()) return std::nullopt;
  config::LoadOptions options;
  options.overrides = overrides;
  const config::Config config = config::load_or_throw(arguments.config, options);
  if (arguments.base.empty()) arguments.base = config.model_source();
  if (arguments.adapter.empty()) arguments.adapter = config.output_dir;
  if (arguments.target.empty()) arguments.target = config.output_dir + "/merged";
  return train::four_bit_options(config);
}

int run_merge(MergeArguments arguments, const Overrides& overrides) {
  const std::optional<quant::FourBitOptions> four_bit = fill_from_config(arguments, overrides);
  const auto need = [](const std::string& value, const char* option) {
    if (value.empty())
      throw Error(ErrorCode::config, std::string("merge needs ") + option)
          .hint("axolotl-hpc merge CONFIG, or merge --base DIR --adapter DIR -o DIR");
  };
  need(arguments.base, "--base");
  need(arguments.adapter, "--adapter");
  need(arguments.target, "--output");
  checkpoint::MergeOptions options;
  options.dtype = element_type(arguments.dtype);
  options.four_bit = four_bit;
  options.max_shard_bytes = static_cast<std::int64_t>(arguments.max_shard_gb * 1e9);
  options.overwrite = arguments.overwrite;
  TransferProgress progress;
  options.progress = [&progress](std::string_view phase, std::int64_t done, std::int64_t total) {
    progress.show(phase, done, total);
  };
  const auto start = std::chrono::steady_clock::now();
  const checkpoint::MergeSummary summary =
      checkpoint::merge_adapter(arguments.base, arguments.adapter, arguments.target, options);
  progress.clear();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print("{}: {} of {} tensors merged, {} replaced, {:.1f} MB, {:.1f} s\n", arguments.target,
             summary.merged, summary.tensors, summary.replaced,
             static_cast<double>(summary.bytes) / 1e6, took.count());
  if (four_bit)
    fmt::print("load_in_4bit: {} tensors hold what is left of them after 4 bits, as in training\n",
               summary.four_bit);
  return kExitDone;
}

void define(CommandLine& command, std::function<int()>& action) {
  auto arguments = std::make_shared<MergeArguments>();
  command.add_option("CONFIG", arguments->config,
                     "The YAML file of the training run: base_model and output_dir count");
  command.add_option("--base", arguments->base,
                     "Base model: a Hugging Face folder or a .gguf file");
  command.add_option("--adapter", arguments->adapter, "Adapter folder, as PEFT writes it");
  command.add_option("-o,--output", arguments->target,
                     "Folder to write; default: OUTPUT_DIR/merged of the configuration");
  command.add_option("--dtype", arguments->dtype,
                     "f32, f16 or bf16; default: every tensor keeps the base's type");
  command
      .add_option("--max-shard-size", arguments->max_shard_gb,
                  "Largest safetensors file of the folder, in GB")
      .between(0.001, 1e6);
  command.add_flag("--overwrite", arguments->overwrite, "Replace the folder when it exists");
  command.allow_overrides();
  command.footer(
      "Examples:\n"
      "  axolotl-hpc merge run.yaml\n"
      "  axolotl-hpc merge --base models/base --adapter outputs/run -o outputs/merged");
  action = [arguments, &command] { return run_merge(*arguments, command.overrides()); };
}

}  // namespace

CommandSpec merge_command() {
  return {.name = "merge", .summary = "Fold a LoRA adapter into its base model", .define = &define};
}

}  // namespace axl::cli
