#include "ops/checks.hpp"

namespace axl::ops {

void copy_heads(Context& ctx, const Heads& from, const Heads& to) {
  require_heads("copy_heads", "from", from);
  require_heads("copy_heads", "to", to);
  AXL_CHECK(
      from.heads == to.heads && from.head_dim == to.head_dim && from.rows.dim(0) == to.rows.dim(0),
      "ops::copy_heads: heads do not fit each other");
  const std::int64_t D = from.head_dim;
  // Heads that follow each other on both sides are one stretch.
  const bool whole = from.head_stride == D && to.head_stride == D;
  const std::int64_t pieces = whole ? 1 : from.heads, columns = whole ? from.heads * D : D;
  dispatch("copy_heads", from.rows.dtype(), [&]<class T>(T) {
    for (std::int64_t h = 0; h < pieces; ++h)
      ctx.kernels.copy_columns(
          kernels::CopyColumns<T>{first_of<T>(from) + h * from.head_stride,
                                  first_of<T>(to) + h * to.head_stride, from.rows.dim(0), columns,
                                  from.rows.dim(1), to.rows.dim(1)},
          ctx.queue);
  });
}

void fill_zero(Context& ctx, TensorView x) {
  ctx.kernels.fill_zero({x.data(), x.bytes()}, ctx.queue);
}

double sum(Context& ctx, TensorView x) {
  double result = 0;
  ctx.kernels.sum({x.as<double>(), x.elements(), &result}, ctx.queue);
  return result;
}

void add(Context& ctx, TensorView from, TensorView to) {
  AXL_CHECK(from.elements() == to.elements(), "ops::add: sizes differ");
  dispatch("add", to.dtype(), [&]<class T>(T) {
    ctx.kernels.add(kernels::Add<T>{from.as<T>(), to.as<T>(), to.elements()}, ctx.queue);
  });
}

void scale(Context& ctx, TensorView x, double factor) {
  dispatch("scale", x.dtype(), [&]<class T>(T) {
    ctx.kernels.scale(kernels::Scale<T>{x.as<T>(), x.elements(), factor}, ctx.queue);
  });
}

void copy(Context& ctx, TensorView from, TensorView to) {
  AXL_CHECK(from.elements() == to.elements(), "ops::copy: sizes differ");
  dispatch("copy", from.dtype(), [&]<class T>(T) {
    ctx.kernels.copy(kernels::Copy<T>{from.as<T>(), to.as<T>(), to.elements()}, ctx.queue);
  });
}

void gather_rows(Context& ctx, TensorView from, const std::int32_t* rows, TensorView to) {
  require("gather_rows", "to", to, {to.dim(0), from.dim(1)});
  dispatch("gather_rows", from.dtype(), [&]<class T>(T) {
    ctx.kernels.rows(kernels::Rows<T>{from.as<T>(), to.as<T>(), rows, to.dim(0), to.dim(1), false},
                     ctx.queue);
  });
}

void scatter_rows(Context& ctx, TensorView from, const std::int32_t* rows, TensorView to) {
  require("scatter_rows", "to", to, {to.dim(0), from.dim(1)});
  dispatch("scatter_rows", from.dtype(), [&]<class T>(T) {
    ctx.kernels.rows(
        kernels::Rows<T>{from.as<T>(), to.as<T>(), rows, from.dim(0), from.dim(1), true},
        ctx.queue);
  });
}

void bias_add(Context& ctx, TensorView x, TensorView bias) {
  require("bias_add", "bias", bias, {x.dim(1)});
  dispatch("bias_add", x.dtype(), [&]<class T>(T) {
    ctx.kernels.bias_add(kernels::BiasAdd<T>{x.as<T>(), bias.as<T>(), x.dim(0), x.dim(1)},
                         ctx.queue);
  });
}

void bias_backward(Context& ctx, TensorView dy, TensorView dbias) {
  require("bias_backward", "dbias", dbias, {dy.dim(1)});
  const ArenaScope scope(ctx.arena);
  const TensorView partial = tensor::allocate(ctx.arena, tensor::accumulator_of(dy.dtype()),
                                              {kernels::kBiasPartials, dy.dim(1)});
  dispatch("bias_backward", dy.dtype(), [&]<class T>(T) {
    ctx.kernels.bias_grad(
        kernels::BiasGrad<T>{dy.as<T>(), acc<T>(dbias), acc<T>(partial), dy.dim(0), dy.dim(1)},
        ctx.queue);
  });
}

void dropout(Context& ctx, TensorView x, TensorView y, double p, std::uint64_t key,
             bool accumulate) {
  AXL_CHECK(x.elements() == y.elements(), "ops::dropout: sizes differ");
  dispatch("dropout", x.dtype(), [&]<class T>(T) {
    ctx.kernels.dropout(kernels::Dropout<T>{x.as<T>(), y.as<T>(), x.elements(), p, key, accumulate},
                        ctx.queue);
  });
}

void convert(Context& ctx, TensorView from, TensorView to) {
  AXL_CHECK(from.elements() == to.elements(), "ops::convert: sizes differ");
  if (from.dtype() == DType::bf16 && to.dtype() == DType::f32) {
    ctx.kernels.widen({from.as<bf16>(), to.as<float>(), to.elements()}, ctx.queue);
    return;
  }
  dispatch("convert", to.dtype(), [&]<class T>(T) {
    ctx.kernels.from_acc(kernels::FromAcc<T>{acc<T>(from), to.as<T>(), to.elements()}, ctx.queue);
  });
}

}  // namespace axl::ops
