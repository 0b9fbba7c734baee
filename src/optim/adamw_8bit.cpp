// bitsandbytes' AdamW8bit: moments are 8-bit codes, with one f32 scale for 256 of them.
#include "axl/kernels/optimizer.hpp"
#include "optim/optimizer.hpp"

namespace axl::optim {
namespace {

/// bitsandbytes' min_8bit_size: codes of small tensors would save nothing that counts.
constexpr std::int64_t kLeastElements = 4096;

/// transformers' Trainer keeps 32-bit states for the tables of nn.Embedding, whose rows see few
/// gradients.
bool keeps_codes(const tensor::Parameter& p) {
  return p.elements() >= kLeastElements && p.role != tensor::Role::embedding;
}

const OptimizerSpec& exact() {
  static const OptimizerSpec spec = adamw_spec();
  return spec;
}

std::vector<StateShape> state(const OptimizerConfig& c, const tensor::Parameter& p) {
  if (!keeps_codes(p)) return exact().state(c, p);
  const std::int64_t blocks =
      (p.elements() + kernels::kOptimizerBlock - 1) / kernels::kOptimizerBlock;
  return {{.name = "exp_avg_codes", .dtype = DType::u8, .shape = p.shape},
          {.name = "exp_avg_sq_codes", .dtype = DType::u8, .shape = p.shape},
          {.name = "exp_avg_absmax", .shape = {blocks}},
          {.name = "exp_avg_sq_absmax", .shape = {blocks}}};
}

void step(ops::Context& ctx, const OptimizerConfig& c, const ParameterStep& s) {
  if (!keeps_codes(s.parameter)) return exact().step(ctx, c, s);
  ctx.kernels.adamw_8bit({.p = s.value.as<float>(),
                          .m = s.state[0].as<std::uint8_t>(),
                          .v = s.state[1].as<std::uint8_t>(),
                          .m_scale = s.state[2].as<float>(),
                          .v_scale = s.state[3].as<float>(),
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

OptimizerSpec adamw_8bit_spec() {
  return {.name = "adamw_bnb_8bit",
          .paper = "Dettmers, Lewis, Shleifer & Zettlemoyer 2022, arXiv:2110.02861",
          // torchao's 8-bit ones run as bitsandbytes', as config/optimizers.cpp says.
          .aliases = {"adamw_8bit", "paged_adamw_8bit", "adamw_torch_8bit", "ao_adamw_8bit"},
          .args = {},
          .state = &state,
          .step = &step};
}

}  // namespace axl::optim
