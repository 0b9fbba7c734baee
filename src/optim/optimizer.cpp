#include "optim/optimizer.hpp"

#include <cmath>

namespace axl::optim {
namespace {

std::int64_t partials_of(const tensor::ParameterTable& table) {
  return (table.flat_elements() + kernels::kSumBlock - 1) / kernels::kSumBlock;
}

}  // namespace

Optimizer::Optimizer(const OptimizerSpec& spec, const OptimizerConfig& config,
                     tensor::ParameterTable& table)
    : spec_(spec), config_(config), table_(table) {
  for (std::size_t i = 0; i < spec_.state.size(); ++i)
    buffers_.emplace_back(table.flat_elements() * size_of(DType::f32));
}

void Optimizer::step(ops::Context& ctx, double lr, double grad_scale, std::int64_t t) {
  for (const tensor::Parameter& p : table_.all()) {
    ShardStep s{.value = table_.master() + p.offset,
                .grad = table_.grad() + p.offset,
                .state = {},
                .elements = p.elements(),
                .lr = lr * p.lr_scale,
                .weight_decay = p.decay ? config_.weight_decay : 0.0,
                .grad_scale = grad_scale,
                .t = t};
    for (const device::Buffer& b : buffers_)
      s.state.push_back(static_cast<float*>(b.data()) + p.offset);
    spec_.step(ctx, config_, s);
  }
}

std::vector<Optimizer::StateBuffer> Optimizer::state() const {
  std::vector<StateBuffer> out;
  for (std::size_t i = 0; i < buffers_.size(); ++i)
    out.push_back({std::string(spec_.state[i]), static_cast<float*>(buffers_[i].data()),
                   table_.flat_elements()});
  return out;
}

std::int64_t Optimizer::bytes() const {
  std::int64_t n = 0;
  for (const device::Buffer& b : buffers_) n += b.bytes();
  return n;
}

std::int64_t gradient_norm_bytes(const tensor::ParameterTable& table) {
  device::Arena plan = device::Arena::planning();
  plan.allocate(partials_of(table) * 8);
  return plan.peak();
}

double gradient_norm(ops::Context& ctx, const tensor::ParameterTable& table) {
  const device::ArenaScope scope(ctx.arena);
  double result = 0;
  auto* partial = static_cast<double*>(ctx.arena.allocate(partials_of(table) * 8));
  ctx.kernels.sum_of_squares({table.grad(), table.flat_elements(), partial, &result}, ctx.queue);
  return std::sqrt(result);
}

}  // namespace axl::optim
