#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace axl::checkpoint {

/// One tensor that a resumed run needs: optimiser moments, master weights. Every data-parallel rank
/// holds the whole of it; saving writes each rank's share, loading fills it on every rank.
struct StateTensor {
  std::string name;                 ///< unique; '/' makes groups ("exp_avg/model.layers.0...")
  std::vector<std::int64_t> shape;  ///< global, row-major
  float* data = nullptr;            ///< borrowed
  std::int64_t elements() const {
    std::int64_t n = 1;
    for (const std::int64_t d : shape) n *= d;
    return n;
  }
};

struct TrainState {
  std::vector<StateTensor> tensors;  ///< same order and shapes on every rank
  /// Step, epoch, seeds, data position, fingerprints, ...: opaque here, equal on every rank.
  std::string json;
};

}  // namespace axl::checkpoint
