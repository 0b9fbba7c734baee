#pragma once
#include <string_view>
#include <vector>

namespace axl::config {

/// A value that optim_args may hold. Bounds are inclusive unless `above` or `below` is said.
struct OptimizerArg {
  std::string_view name;
  bool is_switch = false;  ///< true or false
  double minimum = 0, maximum = 1e9;
  bool above = false, below = false;
};

/// An optimiser as a configuration may name it; optim's registry has the same names and arguments.
struct KnownOptimizer {
  std::string_view name;
  bool adam = true;  ///< adam_beta1, adam_beta2 and adam_epsilon have an effect
  std::vector<OptimizerArg> args = {};
  std::string_view notice = {};  ///< what differs from the optimiser of that name elsewhere
};
const std::vector<KnownOptimizer>& known_optimizers();
/// nullptr for a name that is not known.
const KnownOptimizer* find_optimizer(std::string_view name);

}  // namespace axl::config
