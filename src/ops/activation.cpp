#include "ops/checks.hpp"

namespace axl::ops {

GatedInput gated(TensorView g, TensorView u) { return {g, u, g.dim(1)}; }
GatedInput gated_halves(TensorView gu) {
  // The second half of every row: the same tensor, F elements further on.
  const std::int64_t F = gu.dim(1) / 2;
  auto* half = static_cast<std::byte*>(gu.data()) + F * size_of(gu.dtype());
  return {gu, TensorView(half, gu.dtype(), {gu.dim(0), gu.dim(1)}), F};
}

namespace {

void require_gated(const char* op, const char* name, const GatedInput& in, TensorView y) {
  const std::int64_t stride = in.g.dim(1);
  require(op, "y", y, {in.g.dim(0), in.columns});
  if (in.u) require(op, name, in.u, {in.g.dim(0), stride});
}

}  // namespace

void activation(Context& ctx, Activation act, const GatedInput& in, TensorView y) {
  require_gated("activation", "u", in, y);
  dispatch("activation", y.dtype(), [&]<class T>(T) {
    ctx.kernels.activation_fwd(
        kernels::ActivationFwd<T>{in.g.as<T>(), in.u ? in.u.as<T>() : nullptr, y.as<T>(), y.dim(0),
                                  in.columns, in.g.dim(1), act},
        ctx.queue);
  });
}

void activation_backward(Context& ctx, Activation act, const GatedInput& in, TensorView dy,
                         const GatedInput& d) {
  require_gated("activation_backward", "u", in, dy);
  require("activation_backward", "dg", d.g, {in.g.dim(0), in.g.dim(1)});
  if (in.u) require("activation_backward", "du", d.u, {in.u.dim(0), in.u.dim(1)});
  dispatch("activation_backward", dy.dtype(), [&]<class T>(T) {
    ctx.kernels.activation_bwd(
        kernels::ActivationBwd<T>{in.g.as<T>(), in.u ? in.u.as<T>() : nullptr, dy.as<T>(),
                                  d.g.as<T>(), in.u ? d.u.as<T>() : nullptr, dy.dim(0), in.columns,
                                  in.g.dim(1), act},
        ctx.queue);
  });
}

}  // namespace axl::ops
