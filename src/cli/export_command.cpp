#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "checkpoint/export.hpp"
#include "cli/command.hpp"
#include "cli/element_type.hpp"
#include "cli/transfer_progress.hpp"
#include "core/error.hpp"

namespace axl::cli {
namespace {

struct ExportArguments {
  std::string source;
  std::string target;
  std::string dtype;
  double max_shard_gb = 5.0;
  bool no_verify = false;
  bool overwrite = false;
};

int run_export(const ExportArguments& arguments) {
  checkpoint::ExportOptions options;
  options.dtype = element_type(arguments.dtype);
  options.max_shard_bytes = static_cast<std::int64_t>(arguments.max_shard_gb * 1e9);
  options.verify = !arguments.no_verify;
  options.overwrite = arguments.overwrite;
  TransferProgress progress;
  options.progress = [&progress](std::string_view phase, std::int64_t done, std::int64_t total) {
    progress.show(phase, done, total);
  };
  const auto start = std::chrono::steady_clock::now();
  const checkpoint::ExportSummary summary =
      checkpoint::export_model(arguments.source, arguments.target, options);
  progress.clear();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print("{}: {} tensors, {:.1f} M values, {:.1f} MB, {}{:.1f} s\n", arguments.target,
             summary.tensors, static_cast<double>(summary.elements) / 1e6,
             static_cast<double>(summary.bytes) / 1e6,
             options.verify ? "verified, " : "not verified, ", took.count());
  return kExitDone;
}

void define(CommandLine& command, std::function<int()>& action) {
  auto arguments = std::make_shared<ExportArguments>();
  command.add_option("SOURCE", arguments->source, "Model: a Hugging Face folder or a .gguf file")
      .required();
  command
      .add_option("TARGET", arguments->target,
                  "Folder to write, or a name ending in .gguf for a GGUF file")
      .required();
  command.add_option("--dtype", arguments->dtype,
                     "f32, f16, bf16, or q8_0 (GGUF only); default: as the source has it, bf16 for "
                     "quantised sources");
  command
      .add_option("--max-shard-size", arguments->max_shard_gb,
                  "Largest safetensors file of a folder, in GB")
      .between(0.001, 1e6);
  command.add_flag("--no-verify", arguments->no_verify, "Do not read the result back");
  command.add_flag("--overwrite", arguments->overwrite, "Replace TARGET when it exists");
  command.footer(
      "Examples:\n"
      "  axolotl-hpc export model.gguf models/base --dtype bf16\n"
      "  axolotl-hpc export outputs/merged merged.gguf --dtype q8_0");
  action = [arguments] { return run_export(*arguments); };
}

}  // namespace

CommandSpec export_command() {
  return {.name = "export",
          .summary = "Convert a model between a Hugging Face folder and GGUF",
          .define = &define};
}

}  // namespace axl::cli
