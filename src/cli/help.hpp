#pragma once
#include <string>

namespace CLI {
class App;
}

namespace axl::cli {

/// `axolotl-hpc --help`: the commands by group, one line each, and examples.
std::string program_help();

/// Gives `axolotl-hpc COMMAND --help` the same look. `takes_overrides`: say that configuration keys
/// are options too.
void style_command_help(CLI::App& command, bool takes_overrides);

}  // namespace axl::cli
