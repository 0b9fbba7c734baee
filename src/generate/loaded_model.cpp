#include "generate/loaded_model.hpp"

#include <optional>

#include "adapter/fit_base.hpp"
#include "model/load_adapter.hpp"
#include "weights/tying.hpp"

namespace axl::generate {

LoadedModel::LoadedModel(const std::string& model, const std::string& adapter, DType compute,
                         kernels::Queue& queue)
    : config_(weights::read_model_config(model)),
      weights_(weights::WeightFile::open(model)),
      kernels_(kernels::make_kernel_table()) {
  const model::FamilySpec& family = model::family_of(config_);
  weights::settle_tying(config_, weights_, family.tables()[0], family.tables()[1]);
  std::optional<adapter::AdapterFiles> files;
  model::DecoderOptions options{.compute = compute, .gradient_checkpointing = true};
  if (!adapter.empty()) {
    files.emplace(adapter::AdapterFiles::open(adapter));
    options.training.lora = files->config();
    adapter::fit_base(config_, weights_, *files, family.tables());
  }
  decoder_ = std::make_unique<model::Decoder>(config_, weights_, options, kernels_, queue,
                                              model::private_weight_memory(memory_));
  if (!files) return;
  device::Arena arena(64);
  ops::Context ctx{kernels_, queue, arena};
  model::load_adapter(ctx, *decoder_, *files);
}

}  // namespace axl::generate
