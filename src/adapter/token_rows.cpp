#include "adapter/token_rows.hpp"

namespace axl::adapter {

using device::ArenaScope;
using tensor::allocate;

TokenRows::TokenRows(Parameter* values, std::vector<std::int32_t> ids)
    : values_(values), ids_(std::move(ids)) {
  for (std::size_t i = 0; i < ids_.size(); ++i)
    slots_.emplace(ids_[i], static_cast<std::int32_t>(i));
}

TokenRows::Hits TokenRows::find(Ids tokens) const {
  Hits hits;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const auto slot = slots_.find(tokens[t]);
    if (slot == slots_.end()) continue;
    hits.rows.push_back(static_cast<std::int32_t>(t));
    hits.slots.push_back(slot->second);
  }
  return hits;
}

void TokenRows::replace_rows(Context& ctx, Ids tokens, TensorView y) const {
  const Hits hits = find(tokens);
  if (hits.rows.empty()) return;
  const ArenaScope scope(ctx.arena);
  const auto n = static_cast<std::int64_t>(hits.rows.size());
  const TensorView picked = allocate(ctx.arena, y.dtype(), {n, y.dim(1)});
  ops::embedding(ctx, hits.slots.data(), values_->value, picked);
  ops::scatter_rows(ctx, picked, hits.rows.data(), y);
}

void TokenRows::rows_backward(Context& ctx, Ids tokens, TensorView dy) const {
  const Hits hits = find(tokens);
  if (hits.rows.empty()) return;
  const ArenaScope scope(ctx.arena);
  const auto n = static_cast<std::int64_t>(hits.rows.size());
  const TensorView picked = allocate(ctx.arena, dy.dtype(), {n, dy.dim(1)});
  ops::gather_rows(ctx, dy, hits.rows.data(), picked);
  ops::embedding_backward(ctx, hits.slots.data(), picked, values_->grad);
}

void TokenRows::replace_logits(Context& ctx, TensorView x, TensorView logits) const {
  const ArenaScope scope(ctx.arena);
  const auto n = static_cast<std::int64_t>(ids_.size());
  const TensorView own = allocate(ctx.arena, logits.dtype(), {x.dim(0), n});
  ops::matmul(ctx, x, values_->value, own, {.trans_b = true});
  ops::scatter_columns(ctx, own, ids_.data(), n, logits);
}

void TokenRows::logits_backward(Context& ctx, TensorView x, TensorView dlogits,
                                TensorView dx) const {
  const ArenaScope scope(ctx.arena);
  const auto n = static_cast<std::int64_t>(ids_.size());
  const TensorView own = allocate(ctx.arena, dlogits.dtype(), {x.dim(0), n});
  ops::gather_columns(ctx, dlogits, ids_.data(), own);
  ops::matmul(ctx, own, x, values_->grad, {.trans_a = true, .accumulate = true});
  ops::matmul(ctx, own, values_->value, dx, {.accumulate = true});
  ops::scatter_columns(ctx, {}, ids_.data(), n, dlogits);
}

}  // namespace axl::adapter
