#pragma once
#include <functional>
#include <string_view>

#include "cli/command_line.hpp"

namespace axl::cli {

/// One sub-command: a file src/cli/<name>_command.cpp with `CommandSpec <name>_command();` and one
/// line in registry.cpp.
struct CommandSpec {
  std::string_view name;
  std::string_view summary;  ///< one line, no full stop; shown by --help
  /// Declares the options on `command` and sets `action`, which returns the exit code. Both live
  /// until the action returned. What `action` captures must not live on define's stack: use a
  /// std::shared_ptr of an options struct.
  void (*define)(CommandLine& command, std::function<int()>& action);
};

}  // namespace axl::cli
