#include "optim/optimizer.hpp"

#include <algorithm>
#include <cmath>

namespace axl::optim {
namespace {

using tensor::Parameter;
using tensor::TensorView;

constexpr std::int64_t kAlignment = 64;

std::int64_t bytes_of(const StateShape& s) {
  std::int64_t n = size_of(s.dtype);
  for (const std::int64_t d : s.shape) n *= d;
  return n;
}

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

TensorView view_of(void* data, const StateShape& s) {
  AXL_CHECK(s.shape.size() == 1 || s.shape.size() == 2, "an optimiser's state has 1 or 2 axes");
  if (s.shape.size() == 1) return {data, s.dtype, {s.shape[0]}};
  return {data, s.dtype, {s.shape[0], s.shape[1]}};
}

std::int64_t norm_bytes(const tensor::ParameterTable& table) {
  return (table.flat_elements() + kernels::kSumBlock - 1) / kernels::kSumBlock *
         static_cast<std::int64_t>(sizeof(double));
}

}  // namespace

std::int64_t state_bytes(const OptimizerSpec& spec, const OptimizerConfig& config,
                         const tensor::ParameterTable& table) {
  std::int64_t bytes = 0;
  for (const Parameter& p : table.all())
    for (const StateShape& s : spec.state(config, p)) bytes += aligned(bytes_of(s));
  return bytes;
}

std::int64_t workspace_bytes(const OptimizerSpec& spec, const tensor::ParameterTable& table) {
  std::int64_t most = norm_bytes(table);
  if (spec.workspace != nullptr)
    for (const Parameter& p : table.all()) most = std::max(most, spec.workspace(p));
  return aligned(most);
}

Optimizer::Optimizer(const OptimizerSpec& spec, const OptimizerConfig& config,
                     tensor::ParameterTable& table)
    : spec_(spec), config_(config), buffer_(state_bytes(spec, config, table)) {
  auto* next = static_cast<std::byte*>(buffer_.data());
  for (Parameter& p : table.all()) {
    Kept& kept = kept_.emplace_back(
        Kept{&p, group_of(p, config.learning_rate, config.groups), spec.state(config, p), {}});
    for (const StateShape& s : kept.shapes) {
      kept.views.push_back(view_of(next, s));
      next += aligned(bytes_of(s));
    }
  }
}

void Optimizer::step(ops::Context& ctx, double schedule, double grad_scale, std::int64_t t) {
  for (const Kept& k : kept_)
    spec_.step(ctx, config_,
               {.parameter = *k.parameter,
                .value = k.parameter->master,
                .grad = k.parameter->grad,
                .state = k.views,
                .lr = k.group.learning_rate * schedule,
                .weight_decay = k.group.decay ? config_.weight_decay : 0.0,
                .grad_scale = grad_scale,
                .t = t});
}

std::vector<Optimizer::StateTensor> Optimizer::state() const {
  std::vector<StateTensor> out;
  for (const Kept& k : kept_)
    for (std::size_t i = 0; i < k.shapes.size(); ++i)
      out.push_back({std::string(k.shapes[i].name), k.parameter->name, k.shapes[i].shape,
                     k.shapes[i].dtype, k.views[i].data()});
  return out;
}

double gradient_norm(ops::Context& ctx, const tensor::ParameterTable& table) {
  const device::ArenaScope scope(ctx.arena);
  double result = 0;
  auto* partial = static_cast<double*>(ctx.arena.allocate(norm_bytes(table)));
  ctx.kernels.sum_of_squares({table.grad(), table.flat_elements(), partial, &result}, ctx.queue);
  return std::sqrt(result);
}

}  // namespace axl::optim
