#include "model/blocks/mlp.hpp"

namespace axl::model {

using device::ArenaScope;
using tensor::allocate;

SwigluMlp::Saved SwigluMlp::allocate_saved(device::Arena& arena, DType compute,
                                           std::int64_t T) const {
  Saved s;
  s.g = allocate(arena, compute, {T, gate.out});
  s.u = allocate(arena, compute, {T, up.out});
  s.gate_linear = gate.allocate_saved(arena, compute, T);
  s.up_linear = up.allocate_saved(arena, compute, T);
  s.down_linear = down.allocate_saved(arena, compute, T);
  return s;
}

void SwigluMlp::forward(Context& ctx, TensorView x, TensorView y, Saved& s,
                        std::uint64_t key) const {
  const auto key_of = [key](std::uint64_t part) {
    return key == 0 ? 0 : kernels::hash_counter(key, part) | 1u;
  };
  const ArenaScope scope(ctx.arena);
  gate.forward(ctx, x, s.g, false, s.gate_linear, key_of(5));
  up.forward(ctx, x, s.u, false, s.up_linear, key_of(6));
  const TensorView product = allocate(ctx.arena, x.dtype(), {x.dim(0), gate.out});
  ops::swiglu(ctx, s.g, s.u, product);
  down.forward(ctx, product, y, true, s.down_linear, key_of(7));
}

void SwigluMlp::backward(Context& ctx, TensorView x, const Saved& s, TensorView dy,
                         TensorView dx) const {
  const ArenaScope scope(ctx.arena);
  const std::int64_t T = x.dim(0);
  TensorView product;
  if (down.trains_anything()) {
    product = allocate(ctx.arena, x.dtype(), {T, gate.out});
    ops::swiglu(ctx, s.g, s.u, product);
  } else {
    product = TensorView(nullptr, x.dtype(), {T, gate.out});
  }
  const TensorView d_product = allocate(ctx.arena, x.dtype(), {T, gate.out});
  down.backward(ctx, product, s.down_linear, dy, d_product, false);
  ops::swiglu_backward(ctx, s.g, s.u, d_product, s.g, s.u);
  gate.backward(ctx, x, s.gate_linear, s.g, dx, false);
  up.backward(ctx, x, s.up_linear, s.u, dx, true);
}

}  // namespace axl::model
