#pragma once
#include <string_view>
#include <vector>

#include "cli/command.hpp"

namespace axl::cli {

/// Commands that --help shows together under one title.
struct CommandGroup {
  std::string_view title;
  std::vector<CommandSpec> commands;
};

const std::vector<CommandGroup>& command_groups();

/// nullptr when there is no such command.
const CommandSpec* find_command(std::string_view name);

}  // namespace axl::cli
