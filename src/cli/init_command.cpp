#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include "cli/command.hpp"
#include "cli/presets.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"

namespace axl::cli {
namespace {

struct Options {
  std::string preset;
  std::string mode;
  std::string output;
  bool force = false;
};

/// FAMILY with --mode, or FAMILY-MODE.
const Preset& find_preset(const Options& options) {
  const std::string mode = options.mode.empty() ? "lora" : options.mode;
  std::vector<std::string> names;
  for (const Preset& p : presets()) {
    const bool whole = p.name == options.preset && options.mode.empty();
    if (whole || p.name == options.preset + "-" + mode) return p;
    names.push_back(p.name);
  }
  for (const Family& f : families()) names.emplace_back(f.name);
  const std::string near = nearest(options.preset, names);
  std::vector<std::string_view> known;
  for (const Family& f : families()) known.push_back(f.name);
  throw Error(ErrorCode::config, fmt::format("no preset '{}'", options.preset))
      .hint((near.empty() ? "" : fmt::format("did you mean '{}'? ", near)) +
            fmt::format("known: {}", fmt::join(known, ", ")));
}

std::string list_of_presets() {
  std::string out;
  for (const Family& f : families()) out += fmt::format("  {:<10} {}\n", f.name, f.summary);
  return out;
}

int init(const Options& options) {
  if (options.preset.empty()) {
    fmt::print("Presets, each with --mode {}:\n{}", fmt::join(mode_names(), ", "),
               list_of_presets());
    return kExitDone;
  }
  const std::string yaml = preset_yaml(find_preset(options));
  if (options.output.empty()) {
    fmt::print("{}", yaml);
    return kExitDone;
  }
  std::error_code ec;
  if (!options.force && std::filesystem::exists(options.output, ec))
    throw Error(ErrorCode::input, fmt::format("'{}' is there already", options.output))
        .hint("--force overwrites it");
  std::ofstream out(options.output, std::ios::binary);
  if (!out)
    throw Error(ErrorCode::input,
                fmt::format("cannot write '{}': {}", options.output, std::strerror(errno)));
  out << yaml;
  out.close();
  if (!out)
    throw Error(ErrorCode::io, fmt::format("'{}' could not be written whole", options.output))
        .hint("is the disk full?");
  fmt::print("wrote {}; next: set base_model and datasets, then axolotl-hpc validate {}\n",
             options.output, options.output);
  return kExitDone;
}

void define(CommandLine& command, std::function<int()>& action) {
  auto options = std::make_shared<Options>();
  command.add_option("PRESET", options->preset, "Name of the preset; without it they are listed");
  command.add_option("--mode", options->mode, "lora (the default), qlora or full")
      .one_of(std::vector<std::string>(mode_names().begin(), mode_names().end()))
      .value_name("lora|qlora|full");
  command.add_option("-o,--output", options->output, "Write to this file instead of printing")
      .value_name("FILE");
  command.add_flag("--force", options->force, "Overwrite the file");
  command.footer("Presets:\n" + list_of_presets() +
                 "\nExamples:\n"
                 "  axolotl-hpc init smollm2 -o run.yaml\n"
                 "  axolotl-hpc init llama-3 --mode qlora -o run.yaml\n"
                 "  axolotl-hpc init llama-3-full");
  action = [options] { return init(*options); };
}

}  // namespace

CommandSpec init_command() {
  return {.name = "init",
          .summary = "Write a commented configuration to start from",
          .define = &define};
}

}  // namespace axl::cli
