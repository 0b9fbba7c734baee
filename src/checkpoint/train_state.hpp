#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "axl/kernels/types.hpp"

namespace axl::checkpoint {

/// One array that a resumed run needs of one parameter: its master weights, a moment that the
/// optimiser keeps. Every data-parallel rank holds the whole of it; saving writes each rank's
/// share, loading fills it on every rank.
struct StateTensor {
  std::string name;                 ///< unique: STATE/PARAMETER, "exp_avg/model.layers.0..."
  std::vector<std::int64_t> shape;  ///< global, row-major
  void* data = nullptr;             ///< borrowed
  DType dtype = DType::f32;         ///< f32 or u8
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
