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
  std::string output;
  bool force = false;
};

const Preset& find_preset(const std::string& name) {
  std::vector<std::string> names;
  for (const Preset& p : presets()) {
    if (p.name == name) return p;
    names.emplace_back(p.name);
  }
  const std::string near = nearest(name, names);
  throw Error(ErrorCode::config, fmt::format("no preset '{}'", name))
      .hint((near.empty() ? "" : fmt::format("did you mean '{}'? ", near)) +
            fmt::format("known: {}", fmt::join(names, ", ")));
}

int init(const Options& options) {
  if (options.preset.empty()) {
    for (const Preset& p : presets()) fmt::print("{:<14} {}\n", p.name, p.summary);
    return kExitDone;
  }
  const std::string yaml = preset_yaml(find_preset(options.preset));
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

void define(CLI::App& command, std::function<int()>& action) {
  auto options = std::make_shared<Options>();
  command.add_option("PRESET", options->preset, "Name of the preset; without it they are listed");
  command.add_option("-o,--output", options->output, "Write to this file instead of printing")
      ->option_text("FILE");
  command.add_flag("--force", options->force, "Overwrite the file");
  std::string list = "Presets:\n";
  for (const Preset& p : presets()) list += fmt::format("  {:<14} {}\n", p.name, p.summary);
  command.footer(list +
                 "\nExamples:\n"
                 "  axolotl-hpc init smollm2-lora\n"
                 "  axolotl-hpc init llama-3-lora -o run.yaml");
  action = [options] { return init(*options); };
}

}  // namespace

CommandSpec init_command() {
  return {.name = "init",
          .summary = "Write a commented configuration to start from",
          .define = &define};
}

}  // namespace axl::cli
