#include "adapter/embedding.hpp"

namespace axl::adapter {

using device::ArenaScope;

void Embedding::forward(Context& ctx, Ids ids, TensorView y) const {
  table.format->lookup(ctx, table, ids, y);
  if (ctx.adapters_off) return;
  if (token_rows) token_rows->replace_rows(ctx, ids, y);
  if (!lora) return;
  const ArenaScope scope(ctx.arena);
  const TensorView h = tensor::allocate(ctx.arena, y.dtype(), {lora->a->shape[0], y.dim(0)});
  ops::gather_columns(ctx, lora->a->value, ids.data(), h);
  ops::matmul(ctx, h, lora->b->value, y,
              {.trans_a = true, .trans_b = true, .alpha = lora->scale, .accumulate = true});
}

void Embedding::backward(Context& ctx, Ids ids, TensorView dy) const {
  const ArenaScope scope(ctx.arena);
  TensorView h;
  if (lora) {  // B learns from padding tokens too, as in PEFT
    h = tensor::allocate(ctx.arena, dy.dtype(), {lora->a->shape[0], dy.dim(0)});
    ops::gather_columns(ctx, lora->a->value, ids.data(), h);
    ops::matmul(ctx, dy, h, lora->b->grad,
                {.trans_a = true, .trans_b = true, .alpha = lora->scale, .accumulate = true});
  }
  for (std::size_t t = 0; t < ids.size(); ++t)
    if (ids[t] == padding) ops::fill_zero(ctx, dy.rows(static_cast<std::int64_t>(t), 1));
  if (trained_table != nullptr) ops::embedding_backward(ctx, ids.data(), dy, trained_table->grad);
  if (token_rows) token_rows->rows_backward(ctx, ids, dy);
  if (!lora) return;
  const TensorView dh = h;  // the same place: h is done with
  ops::matmul(ctx, lora->b->value, dy, dh,
              {.trans_a = true, .trans_b = true, .alpha = lora->scale});
  ops::add_columns(ctx, dh, ids.data(), lora->a->grad);
}

}  // namespace axl::adapter
