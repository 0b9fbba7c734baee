#pragma once
#include <string>
#include <vector>

namespace axl::cli {

/// The whole program: picks the command, runs it, prints an error once to standard error and
/// returns the exit code (core/error.hpp). `axolotl-hpc CONFIG ...` is `axolotl-hpc train CONFIG
/// ...`. Never throws.
int run_program(const std::vector<std::string>& args);

}  // namespace axl::cli
