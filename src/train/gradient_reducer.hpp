#pragma once
#include <cstdint>
#include <vector>

#include "parallel/comm.hpp"
#include "tensor/parameters.hpp"

namespace axl::train {

/// Sums the flat gradient buffer over the ranks while backward goes on. Buckets are contiguous
/// stretches of whole layers, fixed by the plan, started from the last layer to the first: the same
/// layout sums in the same order every time.
class GradientReducer {
 public:
  /// `layer_offsets`: first flat element of every layer, ascending; what lies before the first
  /// layer is the embedding (ready last), what lies behind the last boundary is the head (ready
  /// first).
  GradientReducer(const parallel::Comm& comm, tensor::ParameterTable& table,
                  std::vector<std::int64_t> layer_offsets, std::int64_t bucket_bytes = 8 << 20);
  /// Gradients of `layer` are complete; -1 the embedding: everything is started then.
  void layer_done(std::int64_t layer);
  /// Waits for every bucket of this step.
  void finish();

 private:
  void start(std::int64_t layer);
  const parallel::Comm& comm_;
  tensor::ParameterTable& table_;
  std::vector<std::int64_t> layer_offsets_;
  std::int64_t bucket_elements_;
  std::int64_t end_;   ///< everything from here on has been started
  std::int64_t next_;  ///< the layer whose gradients are awaited next
  std::vector<parallel::Request> pending_;
};

}  // namespace axl::train
