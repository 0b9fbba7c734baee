#include "model/blocks/norm.hpp"

namespace axl::model {
namespace {

double offset_of(family::NormKind kind) {
  return kind == family::NormKind::rms_plus_one ? 1.0 : 0.0;
}

tensor::TensorView gradient_of(const tensor::Parameter* p) {
  return p != nullptr ? p->grad : tensor::TensorView();
}

}  // namespace

Norm::Saved Norm::allocate_saved(device::Arena& arena, DType compute, std::int64_t rows) const {
  Saved s;
  s.rstd = tensor::allocate(arena, tensor::accumulator_of(compute), {rows});
  if (has_bias()) s.mean = tensor::allocate(arena, tensor::accumulator_of(compute), {rows});
  return s;
}

void Norm::forward(ops::Context& ctx, tensor::TensorView x, tensor::TensorView y,
                   const Saved& saved) const {
  if (has_bias())
    ops::layernorm(ctx, x, weight, bias, y, saved.mean, saved.rstd, shape.eps);
  else
    ops::rmsnorm(ctx, x, weight, y, saved.rstd, shape.eps, offset_of(shape.kind));
}

void Norm::backward(ops::Context& ctx, tensor::TensorView x, const Saved& saved,
                    tensor::TensorView dy, tensor::TensorView dx, bool accumulate_dx) const {
  if (has_bias())
    ops::layernorm_backward(ctx, x, weight, saved.mean, saved.rstd, dy, dx, gradient_of(trained),
                            gradient_of(trained_bias), accumulate_dx);
  else
    ops::rmsnorm_backward(ctx, x, weight, saved.rstd, dy, dx, gradient_of(trained), accumulate_dx,
                          offset_of(shape.kind));
}

}  // namespace axl::model
