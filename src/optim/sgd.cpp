#include "optim/optimizer.hpp"

namespace axl::optim {
namespace {

std::vector<StateShape> state(const OptimizerConfig& c, const tensor::Parameter& p) {
  if (c.arg("momentum", 0.0) == 0.0) return {};
  return {{.name = "momentum_buffer", .shape = p.shape}};
}

void step(ops::Context& ctx, const OptimizerConfig& c, const ParameterStep& s) {
  ctx.kernels.sgd({.p = s.value.as<float>(),
                   .buffer = s.state.empty() ? nullptr : s.state[0].as<float>(),
                   .g = s.grad.as<float>(),
                   .n = s.value.elements(),
                   .lr = s.lr,
                   .momentum = c.arg("momentum", 0.0),
                   .dampening = c.arg("dampening", 0.0),
                   .weight_decay = s.weight_decay,
                   .grad_scale = s.grad_scale,
                   .nesterov = c.arg("nesterov", 0.0) != 0.0,
                   .t = s.t},
                  ctx.queue);
}

}  // namespace

OptimizerSpec sgd_spec() {
  return {.name = "sgd",
          .paper = "Sutskever, Martens, Dahl & Hinton 2013, PMLR 28(3):1139",
          .aliases = {},
          .args = {"momentum", "dampening", "nesterov"},
          .state = &state,
          .step = &step};
}

}  // namespace axl::optim
