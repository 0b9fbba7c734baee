#pragma once
#include <memory>
#include <string>
#include <vector>

#include "axl/kernels/table.hpp"
#include "model/decoder.hpp"
#include "weights/model_config.hpp"
#include "weights/weight_file.hpp"

namespace axl::generate {

/// A model for running only, with its weights, its kernels and perhaps an adapter on it. The Kokkos
/// session behind `queue` outlives it.
class LoadedModel {
 public:
  /// `model`: Hugging Face folder or GGUF; `adapter`: PEFT folder or "". Errors as those of
  /// WeightFile::open, Decoder and load_adapter.
  LoadedModel(const std::string& model, const std::string& adapter, DType compute,
              kernels::Queue& queue);
  const weights::ModelConfig& config() const { return config_; }
  model::Decoder& decoder() { return *decoder_; }
  const kernels::KernelTable& kernels() const { return kernels_; }

 private:
  weights::ModelConfig config_;
  weights::WeightFile weights_;
  kernels::KernelTable kernels_;
  std::vector<device::Buffer> memory_;
  std::unique_ptr<model::Decoder> decoder_;
};

}  // namespace axl::generate
