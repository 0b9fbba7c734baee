#include "optim/optimizer.hpp"

namespace axl::optim {
namespace {

std::vector<StateShape> state(const OptimizerConfig&, const tensor::Parameter& p) {
  return {{.name = "exp_avg", .shape = p.shape}, {.name = "exp_avg_sq", .shape = p.shape}};
}

void step(ops::Context& ctx, const OptimizerConfig& c, const ParameterStep& s) {
  ctx.kernels.adamw({.p = s.value.as<float>(),
                     .m = s.state[0].as<float>(),
                     .v = s.state[1].as<float>(),
                     .g = s.grad.as<float>(),
                     .n = s.value.elements(),
                     .lr = s.lr,
                     .beta1 = c.beta1,
                     .beta2 = c.beta2,
                     .eps = c.epsilon,
                     .weight_decay = s.weight_decay,
                     .grad_scale = s.grad_scale,
                     .t = s.t},
                    ctx.queue);
}

}  // namespace

OptimizerSpec adamw_spec() {
  return {.name = "adamw_torch",
          .paper = "Loshchilov & Hutter 2019, arXiv:1711.05101",
          // torchao's 4-bit ones with f32 states, as config/optimizers.cpp says.
          .aliases = {"adamw_torch_fused", "adamw", "adamw_hf", "optimi_adamw", "paged_adamw_32bit",
                      "adamw_torch_4bit", "ao_adamw_4bit"},
          .args = {},
          .state = &state,
          .step = &step};
}

}  // namespace axl::optim
