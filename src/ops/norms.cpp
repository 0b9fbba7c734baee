#include "ops/checks.hpp"

namespace axl::ops {

void rmsnorm(Context& ctx, TensorView x, TensorView w, TensorView y, TensorView rstd, double eps,
             double offset) {
  require("rmsnorm", "w", w, {x.dim(1)});
  require("rmsnorm", "y", y, {x.dim(0), x.dim(1)});
  if (rstd) require("rmsnorm", "rstd", rstd, {x.dim(0)});
  dispatch("rmsnorm", x.dtype(), [&]<class T>(T) {
    ctx.kernels.rmsnorm_fwd(kernels::RmsNormFwd<T>{x.as<T>(), w.as<T>(), y.as<T>(), acc<T>(rstd),
                                                   x.dim(0), x.dim(1), eps, offset},
                            ctx.queue);
  });
}

void rmsnorm_backward(Context& ctx, TensorView x, TensorView w, TensorView rstd, TensorView dy,
                      TensorView dx, TensorView dw, bool accumulate_dx, double offset) {
  const std::int64_t T_ = x.dim(0), C = x.dim(1);
  require("rmsnorm_backward", "w", w, {C});
  require("rmsnorm_backward", "dy", dy, {T_, C});
  require("rmsnorm_backward", "dx", dx, {T_, C});
  require("rmsnorm_backward", "rstd", rstd, {T_});
  if (dw) require("rmsnorm_backward", "dw", dw, {C});
  const ArenaScope scope(ctx.arena);
  TensorView partial;
  if (dw)
    partial = tensor::allocate(ctx.arena, tensor::accumulator_of(x.dtype()),
                               {kernels::kRmsNormPartials, C});
  dispatch("rmsnorm_backward", x.dtype(), [&]<class T>(T) {
    ctx.kernels.rmsnorm_bwd(
        kernels::RmsNormBwd<T>{x.as<T>(), w.as<T>(), acc<T>(rstd), dy.as<T>(), dx.as<T>(),
                               acc<T>(dw), acc<T>(partial), T_, C, accumulate_dx, offset},
        ctx.queue);
  });
}

void layernorm(Context& ctx, TensorView x, TensorView w, TensorView b, TensorView y,
               TensorView mean, TensorView rstd, double eps) {
  require("layernorm", "w", w, {x.dim(1)});
  if (b) require("layernorm", "b", b, {x.dim(1)});
  require("layernorm", "y", y, {x.dim(0), x.dim(1)});
  for (const TensorView& t : {mean, rstd})
    if (t) require("layernorm", "statistics", t, {x.dim(0)});
  dispatch("layernorm", x.dtype(), [&]<class T>(T) {
    ctx.kernels.layernorm_fwd(
        kernels::LayerNormFwd<T>{x.as<T>(), w.as<T>(), b ? b.as<T>() : nullptr, y.as<T>(),
                                 acc<T>(mean), acc<T>(rstd), x.dim(0), x.dim(1), eps},
        ctx.queue);
  });
}

void layernorm_backward(Context& ctx, TensorView x, TensorView w, TensorView mean, TensorView rstd,
                        TensorView dy, TensorView dx, TensorView dw, TensorView db,
                        bool accumulate_dx) {
  const std::int64_t T_ = x.dim(0), C = x.dim(1);
  require("layernorm_backward", "w", w, {C});
  require("layernorm_backward", "dy", dy, {T_, C});
  require("layernorm_backward", "dx", dx, {T_, C});
  for (const TensorView& t : {mean, rstd}) require("layernorm_backward", "statistics", t, {T_});
  for (const TensorView& t : {dw, db})
    if (t) require("layernorm_backward", "gradient", t, {C});
  const ArenaScope scope(ctx.arena);
  TensorView partial;
  if (dw || db)
    partial = tensor::allocate(ctx.arena, tensor::accumulator_of(x.dtype()),
                               {2 * kernels::kLayerNormPartials, C});
  dispatch("layernorm_backward", x.dtype(), [&]<class T>(T) {
    ctx.kernels.layernorm_bwd(
        kernels::LayerNormBwd<T>{x.as<T>(), w.as<T>(), acc<T>(mean), acc<T>(rstd), dy.as<T>(),
                                 dx.as<T>(), acc<T>(dw), acc<T>(db), acc<T>(partial), T_, C,
                                 accumulate_dx},
        ctx.queue);
  });
}

}  // namespace axl::ops
