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
          .aliases = {"adamw_torch_fused", "adamw", "adamw_hf"},
          .state = {"exp_avg", "exp_avg_sq"},
          .step = &step};
}

}  // namespace axl::optim
