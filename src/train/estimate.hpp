#pragma once
#include <cstdint>
#include <string>

#include "config/config.hpp"

namespace axl::train {

/// What a run would take, without running it.
struct Estimate {
  std::int64_t ranks = 1, threads = 1;
  std::int64_t total_parameters = 0, trained_parameters = 0;
  // bytes
  std::int64_t weights_converted = 0;  ///< a node shares one copy
  std::string matrix_formats;          ///< see Decoder::matrix_formats()
  std::int64_t weights_mapped = 0;     ///< pages of the model's files, shared by the node
  std::int64_t parameters = 0;         ///< a rank: master, gradient, compute copy
  std::int64_t optimizer = 0;          ///< a rank
  std::int64_t activations = 0;        ///< a rank: the arena
  std::int64_t total_steps = 0, steps_per_epoch = 0, warmup_steps = 0;
  bool stream = false;  ///< an epoch is then the whole run, `rows` those that were looked at
  std::int64_t rows = 0, eval_rows = 0, tokens_per_epoch = 0, label_tokens_per_epoch = 0;
  std::int64_t max_tokens_per_micro_batch = 0;
  std::int64_t max_tokens_per_pass = 0;
  double packing_efficiency = 0;
  double flops_per_step = 0;  ///< all ranks: products with weights, adapters, keys and values
  double gemm_flops_per_second = 0;  ///< measured now on this rank's threads
  double seconds = 0;                ///< of the whole training
};

/// Prepares the data (or finds it prepared), reads the model's headers, measures the GEMM rate of
/// this machine for a fraction of a second. Needs no MPI.
Estimate estimate(const config::Config& config, std::int64_t ranks, int threads);

}  // namespace axl::train
