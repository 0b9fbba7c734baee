#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/overrides.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace axl::cli {

/// An option that a command declared, to say more about it. Lives as long as its CommandLine.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  Option& required();
  /// What --help shows for the value: `--adapter DIR`.
  Option& value_name(const std::string& text);
  Option& one_of(const std::vector<std::string>& words);
  Option& between(std::int64_t least, std::int64_t most);
  Option& between(double least, double most);
  /// Giving both is an error.
  Option& excludes(const Option& other);
  /// True after parsing when the command line has it.
  bool given() const;

 private:
  CLI::Option* option_;
};

/// The words after `axolotl-hpc COMMAND`: what they may be, and what they were. CLI11 does the
/// work; only this file's implementation and help.cpp know it, whose templates take seconds to
/// compile.
class CommandLine {
 public:
  CommandLine(std::string_view name, std::string_view summary);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// `names`: "--seed", "-o,--output", or "SOURCE" for a positional argument. `target` holds the
  /// default, takes the value, and lives until the command ends.
  Option add_option(const std::string& names, std::string& target, const std::string& help);
  Option add_option(const std::string& names, std::int64_t& target, const std::string& help);
  Option add_option(const std::string& names, std::uint64_t& target, const std::string& help);
  Option add_option(const std::string& names, double& target, const std::string& help);
  Option add_flag(const std::string& names, bool& target, const std::string& help);
  /// Configuration keys are options too (overrides.hpp).
  void allow_overrides();
  /// Shown below the options of --help.
  void footer(const std::string& text);

  /// Fills the targets. False: --help was asked for and has been printed. Throws Error{config},
  /// with a did-you-mean for a misspelt option.
  bool parse(std::vector<std::string> args);
  /// The configuration keys among what was parsed; throws Error{config} as overrides_from does.
  Overrides overrides() const;

 private:
  std::unique_ptr<CLI::App> app_;
  bool takes_overrides_ = false;
};

}  // namespace axl::cli
