#include "cli/help.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/registry.hpp"

namespace axl::cli {
namespace {

class CommandFormatter final : public CLI::Formatter {
 public:
  explicit CommandFormatter(bool takes_overrides) : takes_overrides_(takes_overrides) {
    column_width(32);
  }

  std::string make_usage(const CLI::App* app, std::string) const override {
    std::string line = fmt::format("\nUsage:\n  axolotl-hpc {}", app->get_name());
    for (const CLI::Option* option : app->get_options())
      if (option->get_positional() && !option->get_group().empty())
        line += fmt::format(fmt::runtime(option->get_required() ? " {}" : " [{}]"),
                            option->get_name(true));
    line += " [OPTIONS]";
    if (takes_overrides_) line += " [--KEY VALUE ...]";
    return line + "\n";
  }

  std::string make_description(const CLI::App* app) const override {
    return app->get_description() + "\n";
  }

  std::string make_footer(const CLI::App* app) const override {
    std::string out;
    if (takes_overrides_)
      out +=
          "\nAny key of the configuration can be given as an option: --learning-rate 1e-4,\n"
          "--datasets.0.path rows.jsonl, --no-sample-packing.\n";
    if (!app->get_footer().empty()) out += "\n" + app->get_footer() + "\n";
    return out;
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    // CLI11 prints the C++ type and REQUIRED here; the usage line already says what is required.
    if (option->get_type_size() == 0 || option->get_positional()) return "";
    return option->get_option_text().empty() ? " " + option->get_type_name()
                                             : " " + option->get_option_text();
  }

 private:
  bool takes_overrides_;
};

}  // namespace

std::string program_help() {
  std::string out =
      "axolotl-hpc fine-tunes large language models from an Axolotl YAML, on one rank or many.\n"
      "\n"
      "Usage:\n"
      "  axolotl-hpc CONFIG [--KEY VALUE ...]     train; the same as 'axolotl-hpc train CONFIG'\n"
      "  axolotl-hpc COMMAND [ARGUMENTS]\n";
  for (const CommandGroup& group : command_groups()) {
    out += fmt::format("\n{}:\n", group.title);
    for (const CommandSpec& spec : group.commands)
      out += fmt::format("  {:<12} {}\n", spec.name, spec.summary);
  }
  out +=
      "\n"
      "Examples:\n"
      "  axolotl-hpc init smollm2 -o run.yaml             a commented configuration to start from\n"
      "  axolotl-hpc validate run.yaml                    every problem of it, with line and "
      "column\n"
      "  axolotl-hpc plan run.yaml                        memory, steps and time, without "
      "training\n"
      "  mpirun -np 4 axolotl-hpc run.yaml --max-steps 10 train on four ranks\n"
      "\n"
      "'axolotl-hpc COMMAND --help' tells more. Exit codes: 0 done, 1 failed while running,\n"
      "2 the input is wrong, 75 stopped on request with a checkpoint written.\n";
  return out;
}

void style_command_help(CLI::App& command, bool takes_overrides) {
  command.formatter(std::make_shared<CommandFormatter>(takes_overrides));
}

}  // namespace axl::cli
