#pragma once
#include <string>
#include <utility>
#include <vector>

namespace axl::cli {

using Overrides = std::vector<std::pair<std::string, std::string>>;

/// Rewrites `--learning-rate 1e-4` as `--learning-rate=1e-4` for every option that is not among the
/// command's `own` ("--strict", …), so that CLI11 does not take the value for a positional
/// argument. An option followed by another option, or by nothing, is a switch: `--sample-packing`
/// means true and `--no-sample-packing` false.
std::vector<std::string> join_override_values(const std::vector<std::string>& own,
                                              const std::vector<std::string>& args);

/// What the command did not know as LoadOptions::overrides: `--learning-rate=1e-4` becomes
/// {"learning_rate", "1e-4"}, `--trl.beta` and `--trl__beta` {"trl.beta", ...}. Throws
/// Error{config} with a did-you-mean, from the keys and from the `own` options of `command`, for a
/// misspelt key and for a stray positional argument.
Overrides overrides_from(const std::string& command, const std::vector<std::string>& own,
                         const std::vector<std::string>& unknown);

}  // namespace axl::cli
