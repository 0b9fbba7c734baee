// transformers' Adafactor. Its Trainer turns scale_parameter and relative_step off, so both are off
// unless optim_args turn them on.
#include <algorithm>
#include <cmath>

#include "axl/kernels/optimizer.hpp"
#include "optim/optimizer.hpp"

namespace axl::optim {
namespace {

bool is_factored(const tensor::Parameter& p) { return p.shape.size() == 2; }

std::vector<StateShape> state(const OptimizerConfig& c, const tensor::Parameter& p) {
  std::vector<StateShape> out;
  if (is_factored(p)) {
    out.push_back({.name = "exp_avg_sq_row", .shape = {p.shape[0]}});
    out.push_back({.name = "exp_avg_sq_col", .shape = {p.shape[1]}});
  } else {
    out.push_back({.name = "exp_avg_sq", .shape = p.shape});
  }
  if (c.args.contains("beta1")) out.push_back({.name = "exp_avg", .shape = p.shape});
  return out;
}

std::int64_t workspace(const tensor::Parameter& p) {
  const std::int64_t rows = is_factored(p) ? p.shape[0] : 1;
  return kernels::adafactor_partials(rows, p.elements() / rows) *
         static_cast<std::int64_t>(sizeof(double));
}

/// The rate of this step before a parameter's size scales it.
double rate(const OptimizerConfig& c, const ParameterStep& s) {
  if (c.arg("relative_step", 0.0) == 0.0) return s.lr;
  const auto t = static_cast<double>(s.t);
  const double most = c.arg("warmup_init", 0.0) != 0.0 ? 1e-6 * t : 1e-2;
  return std::min(most, 1.0 / std::sqrt(t));
}

void step(ops::Context& ctx, const OptimizerConfig& c, const ParameterStep& s) {
  const device::ArenaScope scope(ctx.arena);
  const bool factored = is_factored(s.parameter);
  const std::int64_t rows = factored ? s.parameter.shape[0] : 1;
  ctx.kernels.adafactor(
      {.p = s.value.as<float>(),
       .g = s.grad.as<float>(),
       .row = factored ? s.state[0].as<float>() : nullptr,
       .column = factored ? s.state[1].as<float>() : nullptr,
       .second = factored ? nullptr : s.state[0].as<float>(),
       .first = c.args.contains("beta1") ? s.state.back().as<float>() : nullptr,
       .rows = rows,
       .columns = s.value.elements() / rows,
       .lr = rate(c, s),
       .beta1 = c.arg("beta1", 0.0),
       .beta2 = 1.0 - std::pow(static_cast<double>(s.t), c.arg("decay_rate", -0.8)),
       .eps = c.arg("eps", 1e-30),
       .clip_threshold = c.arg("clip_threshold", 1.0),
       .weight_decay = s.weight_decay,
       .grad_scale = s.grad_scale,
       .scale_floor = c.arg("scale_parameter", 0.0) != 0.0 ? c.arg("eps2", 1e-3) : 0.0,
       .partial = static_cast<double*>(ctx.arena.allocate(workspace(s.parameter)))},
      ctx.queue);
}

}  // namespace

OptimizerSpec adafactor_spec() {
  return {.name = "adafactor",
          .paper = "Shazeer & Stern 2018, arXiv:1804.04235",
          .aliases = {},
          .args = {"scale_parameter", "relative_step", "warmup_init", "beta1", "eps", "eps2",
                   "clip_threshold", "decay_rate"},
          .state = &state,
          .step = &step,
          .workspace = &workspace};
}

}  // namespace axl::optim
