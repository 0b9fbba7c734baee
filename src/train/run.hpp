#pragma once
#include <string>

#include "config/config.hpp"

namespace axl::train {

struct RunRequest {
  config::Config config;
  std::string config_path;
  std::string effective_json;
  bool log_all_ranks = false;  ///< not only rank 0 speaks
  bool log_json = false;       ///< a JSON object a line
};

/// Trains what the configuration says, as one rank of the job. Returns the exit code: 0 done, 75
/// stopped on request with a checkpoint written. Throws Error on every rank, with the same text.
int run(const RunRequest& request);

}  // namespace axl::train
