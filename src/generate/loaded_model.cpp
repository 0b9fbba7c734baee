#include "generate/loaded_model.hpp"

#include "model/load_adapter.hpp"

namespace axl::generate {
namespace {

std::optional<adapter::AdapterFiles> opened(const std::string& adapter) {
  if (adapter.empty()) return std::nullopt;
  return adapter::AdapterFiles::open(adapter);
}

}  // namespace

LoadedModel::LoadedModel(const std::string& model, const std::string& adapter, DType wanted,
                         kernels::Queue& queue, std::optional<quant::FourBitOptions> four_bit)
    : LoadedModel(model, opened(adapter), wanted, queue, four_bit) {}

LoadedModel::LoadedModel(const std::string& model, std::optional<adapter::AdapterFiles> adapter,
                         DType wanted, kernels::Queue& queue,
                         std::optional<quant::FourBitOptions> four_bit)
    : base_(model::open_base_model(model, "", adapter ? &*adapter : nullptr)),
      kernels_(kernels::make_kernel_table()) {
  model::DecoderOptions options{.compute = kernels_.compute_type(wanted),
                                .four_bit = four_bit,
                                .gradient_checkpointing = true};
  if (adapter) options.training.lora = adapter->config();
  decoder_ = std::make_unique<model::Decoder>(base_.config, base_.weights, options, kernels_, queue,
                                              model::private_weight_memory(memory_));
  if (!adapter) return;
  device::Arena arena(64);
  ops::Context ctx{kernels_, queue, arena};
  model::load_adapter(ctx, *decoder_, *adapter);
}

}  // namespace axl::generate
