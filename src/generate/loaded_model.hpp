#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "axl/kernels/table.hpp"
#include "model/base_model.hpp"
#include "model/decoder.hpp"

namespace axl::generate {

/// A model for running only, with its weights, its kernels and perhaps an adapter on it. The Kokkos
/// session behind `queue` outlives it.
class LoadedModel {
 public:
  /// `model`: Hugging Face folder or GGUF; `adapter`: PEFT folder or ""; `wanted`: f32 or bf16, see
  /// KernelTable::compute_type; `four_bit`: see DecoderOptions. Errors as those of open_base_model,
  /// Decoder and load_adapter.
  LoadedModel(const std::string& model, const std::string& adapter, DType wanted,
              kernels::Queue& queue, std::optional<quant::FourBitOptions> four_bit = {});
  const weights::ModelConfig& config() const { return base_.config; }
  model::Decoder& decoder() { return *decoder_; }
  const kernels::KernelTable& kernels() const { return kernels_; }

 private:
  LoadedModel(const std::string& model, std::optional<adapter::AdapterFiles> adapter, DType wanted,
              kernels::Queue& queue, std::optional<quant::FourBitOptions> four_bit);

  model::BaseModel base_;
  kernels::KernelTable kernels_;
  std::vector<device::Buffer> memory_;
  std::unique_ptr<model::Decoder> decoder_;
};

}  // namespace axl::generate
