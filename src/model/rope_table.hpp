#pragma once
#include <vector>

#include "device/arena.hpp"
#include "tensor/tensor_view.hpp"
#include "weights/model_config.hpp"

namespace axl::model {

/// Inverse frequencies (head_dim / 2 values) and the factor on cos and sin, for a context of
/// `seq_len` positions. default: Su et al. 2021; linear: Chen et al. 2023, arXiv:2306.15595;
/// dynamic NTK as transformers does it (depends on seq_len beyond the trained length); llama3:
/// Meta's Llama 3.1 frequency bands; yarn: Peng et al. 2023, arXiv:2309.00071, section 3.
struct RopeFrequencies {
  std::vector<double> inverse;
  double attention_factor = 1.0;
};
RopeFrequencies rope_frequencies(const weights::ModelConfig& config, std::int64_t seq_len);

/// cos and sin for positions [0, positions), both (positions, head_dim / 2) in `dtype`.
class RopeTable {
 public:
  RopeTable() = default;
  RopeTable(const weights::ModelConfig& config, std::int64_t positions, DType dtype);
  tensor::TensorView cos() const { return cos_; }
  tensor::TensorView sin() const { return sin_; }
  std::int64_t positions() const { return cos_ ? cos_.dim(0) : 0; }

 private:
  device::Buffer memory_;
  tensor::TensorView cos_, sin_;
};

}  // namespace axl::model
