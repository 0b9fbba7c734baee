#include "model/blocks/mlp.hpp"

namespace axl::model {

using device::ArenaScope;
using tensor::allocate;

std::vector<Linear*> Mlp::linears() {
  if (!shape.gated) return {&up, &down};
  if (shape.fused) return {&gate_up, &down};
  return {&gate, &up, &down};
}

Mlp::Saved Mlp::allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const {
  Saved s;
  s.g = allocate(arena, compute, {T, shape.fused ? 2 * shape.inner : shape.inner});
  if (shape.gated && !shape.fused) s.u = allocate(arena, compute, {T, shape.inner});
  if (shape.fused) {
    s.gate_linear = gate_up.allocate_saved(arena, compute, T);
  } else {
    if (shape.gated) s.gate_linear = gate.allocate_saved(arena, compute, T);
    s.up_linear = up.allocate_saved(arena, compute, T);
  }
  s.down_linear = down.allocate_saved(arena, compute, T);
  return s;
}

ops::GatedInput Mlp::gated_input(const Saved& s) const {
  return shape.fused ? ops::gated_halves(s.g) : ops::gated(s.g, s.u);
}

void Mlp::forward(Context& ctx, TensorView x, TensorView y, bool accumulate, Saved& s,
                  std::uint64_t key) const {
  const ArenaScope scope(ctx.arena);
  if (shape.fused) {
    gate_up.forward(ctx, x, s.g, false, s.gate_linear, key);
  } else if (shape.gated) {
    gate.forward(ctx, x, s.g, false, s.gate_linear, key);
    up.forward(ctx, x, s.u, false, s.up_linear, key);
  } else {
    up.forward(ctx, x, s.g, false, s.up_linear, key);
  }
  const TensorView product = allocate(ctx.arena, x.dtype(), {x.dim(0), shape.inner});
  ops::activation(ctx, shape.act, gated_input(s), product);
  down.forward(ctx, product, y, accumulate, s.down_linear, key);
}

void Mlp::backward(Context& ctx, TensorView x, const Saved& s, TensorView dy, TensorView dx) const {
  const ArenaScope scope(ctx.arena);
  const std::int64_t T = x.dim(0);
  TensorView product;
  if (down.trains_anything()) {
    product = allocate(ctx.arena, x.dtype(), {T, shape.inner});
    ops::activation(ctx, shape.act, gated_input(s), product);
  } else {
    product = TensorView(nullptr, x.dtype(), {T, shape.inner});
  }
  const TensorView d_product = allocate(ctx.arena, x.dtype(), {T, shape.inner});
  down.backward(ctx, product, s.down_linear, dy, d_product, false);
  ops::activation_backward(ctx, shape.act, gated_input(s), d_product, gated_input(s));
  if (shape.fused) return gate_up.backward(ctx, x, s.gate_linear, s.g, dx, false);
  if (!shape.gated) return up.backward(ctx, x, s.up_linear, s.g, dx, false);
  gate.backward(ctx, x, s.gate_linear, s.g, dx, false);
  up.backward(ctx, x, s.up_linear, s.u, dx, true);
}

}  // namespace axl::model
