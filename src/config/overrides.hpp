#pragma once
#include <string>
#include <utility>
#include <vector>

#include "config/node.hpp"
#include "config/report.hpp"

namespace axl::config {

/// Lays {"learning_rate", "1e-4"} and {"datasets.0.path", "x.jsonl"} over the tree. Values are
/// YAML:
/// "[q_proj, v_proj]" is a list, "" and "null" remove the key. A key that no table knows is an
/// error: on a command line it can only be misspelt.
void apply_overrides(Node& root, const std::vector<std::pair<std::string, std::string>>& overrides,
                     Report& report);

}  // namespace axl::config
