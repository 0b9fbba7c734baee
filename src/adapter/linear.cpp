#include "adapter/linear.hpp"

namespace axl::adapter {

using device::ArenaScope;

Linear::Saved Linear::allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const {
  Saved saved;
  if (!lora) return saved;
  saved.h = tensor::allocate(arena, compute, {T, lora->a->shape[0]});
  if (lora->dora) saved.z = tensor::allocate(arena, compute, {T, out});
  return saved;
}

void Linear::forward(Context& ctx, TensorView x, TensorView y, bool accumulate, Saved& saved,
                     std::uint64_t layer_key) const {
  const bool adapted = lora && !ctx.adapters_off, dora = adapted && lora->dora;
  const TensorView sum = dora ? saved.z : y;
  weight.format->times(ctx, weight, x, sum, accumulate && !dora);
  if (adapted) {
    saved.dropout_key =
        layer_key == 0 || ordinal == 0 ? layer_key : kernels::hash_counter(layer_key, ordinal) | 1u;
    const ArenaScope scope(ctx.arena);
    TensorView input = x;
    if (lora->dropout > 0 && saved.dropout_key != 0) {
      input = tensor::allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
      ops::dropout(ctx, x, input, lora->dropout, saved.dropout_key, false);
    }
    ops::matmul(ctx, input, lora->a->value, saved.h, {.trans_b = true});
    ops::matmul(ctx, saved.h, lora->b->value, sum,
                {.trans_b = true, .alpha = lora->scale, .accumulate = true});
  }
  if (dora) ops::scale_columns(ctx, sum, lora->dora->factor, y, accumulate);
  if (bias) ops::bias_add(ctx, y, bias);
}

void Linear::backward(Context& ctx, TensorView x, const Saved& saved, TensorView dy, TensorView dx,
                      bool accumulate_dx) const {
  const ArenaScope scope(ctx.arena);
  if (trained_weight != nullptr)
    ops::matmul(ctx, conv1d ? x : dy, conv1d ? dy : x, trained_weight->grad,
                {.trans_a = true, .accumulate = true});
  if (trained_bias != nullptr) ops::bias_backward(ctx, dy, trained_bias->grad);
  if (lora && lora->dora) {
    const Dora& dora = *lora->dora;
    ops::scale_columns_backward(ctx, dy, saved.z, dora.inverse_norm, dora.magnitude->grad);
    const TensorView dz = tensor::allocate(ctx.arena, dy.dtype(), {dy.dim(0), out});
    ops::scale_columns(ctx, dy, dora.factor, dz, false);
    dy = dz;
  }
  if (dx) weight.format->times_transposed(ctx, weight, dy, dx, accumulate_dx);
  if (lora) lora_backward(ctx, x, saved, dy, dx);
}

void Linear::lora_backward(Context& ctx, TensorView x, const Saved& saved, TensorView dy,
                           TensorView dx) const {
  const std::int64_t T = x.dim(0), r = lora->a->shape[0];
  const bool dropped = lora->dropout > 0 && saved.dropout_key != 0;
  const TensorView dh = tensor::allocate(ctx.arena, x.dtype(), {T, r});
  ops::matmul(ctx, dy, lora->b->value, dh, {.alpha = lora->scale});
  ops::matmul(ctx, dy, saved.h, lora->b->grad,
              {.trans_a = true, .alpha = lora->scale, .accumulate = true});
  TensorView input = x;
  if (dropped) {
    input = tensor::allocate(ctx.arena, x.dtype(), {T, in});
    ops::dropout(ctx, x, input, lora->dropout, saved.dropout_key, false);
  }
  ops::matmul(ctx, dh, input, lora->a->grad, {.trans_a = true, .accumulate = true});
  if (!dx) return;
  if (!dropped) {
    ops::matmul(ctx, dh, lora->a->value, dx, {.accumulate = true});
    return;
  }
  ops::matmul(ctx, dh, lora->a->value, input, {});
  ops::dropout(ctx, input, dx, lora->dropout, saved.dropout_key, true);
}

void Linear::refresh(Context& ctx) const {
  if (!lora || !lora->dora) return;
  const Dora& dora = *lora->dora;
  const ArenaScope scope(ctx.arena);
  const TensorView a = lora->a->value;
  const DType acc = tensor::accumulator_of(a.dtype());
  const std::int64_t r = a.dim(0);
  const TensorView aw = tensor::allocate(ctx.arena, acc, {r, out});
  const TensorView aa = tensor::allocate(ctx.arena, acc, {r, r});
  weight.format->times(ctx, weight, a, aw, false);
  ops::matmul(ctx, a, a, aa, {.trans_b = true});
  ops::dora_factor(ctx, lora->b->value, aw, aa, dora.base_norms, dora.magnitude->master,
                   dora.factor, dora.inverse_norm, lora->scale);
}

}  // namespace axl::adapter
