#include "adapter/linear.hpp"

namespace axl::adapter {

using device::ArenaScope;

Linear::Saved Linear::allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const {
  Saved saved;
  if (lora) saved.h = tensor::allocate(arena, compute, {T, lora->a->shape[0]});
  return saved;
}

void Linear::forward(Context& ctx, TensorView x, TensorView y, bool accumulate, Saved& saved,
                     std::uint64_t dropout_key) const {
  const bool packed = packed_forward.data != nullptr;
  ops::matmul(
      ctx, x, packed ? TensorView() : weight, y,
      {.trans_b = true, .accumulate = accumulate, .packed_b = packed ? &packed_forward : nullptr});
  if (bias) ops::bias_add(ctx, y, bias);
  if (!lora) return;
  saved.dropout_key = dropout_key;
  const ArenaScope scope(ctx.arena);
  TensorView input = x;
  if (lora->dropout > 0 && dropout_key != 0) {
    input = tensor::allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
    ops::dropout(ctx, x, input, lora->dropout, dropout_key, false);
  }
  ops::matmul(ctx, input, lora->a->value, saved.h, {.trans_b = true});
  ops::matmul(ctx, saved.h, lora->b->value, y,
              {.trans_b = true, .alpha = lora->scale, .accumulate = true});
}

void Linear::backward(Context& ctx, TensorView x, const Saved& saved, TensorView dy, TensorView dx,
                      bool accumulate_dx) const {
  if (trained_weight != nullptr)
    ops::matmul(ctx, dy, x, trained_weight->grad, {.trans_a = true, .accumulate = true});
  if (trained_bias != nullptr) ops::bias_backward(ctx, dy, trained_bias->grad);
  if (dx) {
    const bool packed = packed_backward.data != nullptr;
    ops::matmul(ctx, dy, packed ? TensorView() : weight, dx,
                {.accumulate = accumulate_dx, .packed_b = packed ? &packed_backward : nullptr});
  }
  if (!lora) return;
  const ArenaScope scope(ctx.arena);
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

}  // namespace axl::adapter
