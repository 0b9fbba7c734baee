#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace axl::cli {

using Overrides = std::vector<std::pair<std::string, std::string>>;

/// Rewrites `--learning-rate 1e-4` as `--learning-rate=1e-4` for every option that `command` does
/// not declare, so that CLI11 does not take the value for a positional argument. An option
/// followed by another option, or by nothing, is a switch: `--sample-packing` means true and
/// `--no-sample-packing` false.
std::vector<std::string> join_override_values(const CLI::App& command,
                                              const std::vector<std::string>& args);

/// What CLI11 did not know (`command.remaining()`) as LoadOptions::overrides:
/// `--learning-rate=1e-4` becomes {"learning_rate", "1e-4"}, `--trl.beta` and `--trl__beta`
/// {"trl.beta", ...}. Throws Error{config} with a did-you-mean for a misspelt key and for a stray
/// positional argument.
Overrides overrides_from(const CLI::App& command);

}  // namespace axl::cli
