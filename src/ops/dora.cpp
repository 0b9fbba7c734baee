#include "ops/checks.hpp"

namespace axl::ops {

void scale_columns(Context& ctx, TensorView x, TensorView scale, TensorView y, bool accumulate) {
  require("scale_columns", "scale", scale, {x.dim(1)});
  require("scale_columns", "y", y, {x.dim(0), x.dim(1)});
  dispatch("scale_columns", x.dtype(), [&]<class T>(T) {
    ctx.kernels.scale_columns(kernels::ScaleColumns<T>{x.as<T>(), acc<T>(scale), y.as<T>(),
                                                       x.dim(0), x.dim(1), accumulate},
                              ctx.queue);
  });
}

void scale_columns_backward(Context& ctx, TensorView dy, TensorView x, TensorView weight,
                            TensorView dscale) {
  require("scale_columns_backward", "x", x, {dy.dim(0), dy.dim(1)});
  if (weight) require("scale_columns_backward", "weight", weight, {dy.dim(1)});
  require("scale_columns_backward", "dscale", dscale, {dy.dim(1)});
  const ArenaScope scope(ctx.arena);
  const TensorView partial = tensor::allocate(ctx.arena, tensor::accumulator_of(dy.dtype()),
                                              {kernels::kScalePartials, dy.dim(1)});
  dispatch("scale_columns_backward", dy.dtype(), [&]<class T>(T) {
    ctx.kernels.scale_columns_grad(
        kernels::ScaleColumnsGrad<T>{dy.as<T>(), x.as<T>(), acc<T>(weight), acc<T>(dscale),
                                     acc<T>(partial), dy.dim(0), dy.dim(1)},
        ctx.queue);
  });
}

void dora_factor(Context& ctx, TensorView b, TensorView aw, TensorView aa, TensorView base,
                 TensorView magnitude, TensorView factor, TensorView inverse_norm, double scale) {
  const std::int64_t O = b.dim(0), r = b.dim(1);
  require("dora_factor", "aw", aw, {r, O});
  require("dora_factor", "aa", aa, {r, r});
  for (const TensorView& t : {base, magnitude, factor, inverse_norm})
    require("dora_factor", "vector", t, {O});
  dispatch("dora_factor", b.dtype(), [&]<class T>(T) {
    ctx.kernels.dora_factor(
        kernels::DoraFactor<T>{b.as<T>(), acc<T>(aw), acc<T>(aa), acc<T>(base), acc<T>(magnitude),
                               acc<T>(factor), acc<T>(inverse_norm), O, r, scale},
        ctx.queue);
  });
}

}  // namespace axl::ops
