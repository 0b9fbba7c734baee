#include "optim/optimizer.hpp"

namespace axl::optim {
namespace {

void step(ops::Context& ctx, const OptimizerConfig& c, const ShardStep& s) {
  ctx.kernels.adamw({.p = s.value,
                     .m = s.state[0],
                     .v = s.state[1],
                     .g = s.grad,
                     .n = s.elements,
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
          // The 8-bit and 4-bit ones with f32 states, as config/schema_training.cpp says.
          .aliases = {"adamw_torch_fused", "adamw", "adamw_hf", "optimi_adamw", "adamw_torch_8bit",
                      "adamw_torch_4bit", "adamw_bnb_8bit", "adamw_8bit", "paged_adamw_8bit",
                      "paged_adamw_32bit", "ao_adamw_8bit", "ao_adamw_4bit"},
          .state = {"exp_avg", "exp_avg_sq"},
          .step = &step};
}

}  // namespace axl::optim
