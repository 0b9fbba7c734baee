#include "model/losses/causal_lm.hpp"

#include <vector>

namespace axl::model {
namespace {

using device::ArenaScope;
using tensor::accumulator_of;
using tensor::allocate;

/// Dropout keys of the head lie above those of the layers.
constexpr std::uint64_t kHeadKey = std::uint64_t{1} << 32;

struct LabelRows {
  std::vector<std::int32_t> rows, targets;
};

LabelRows label_rows(const Batch& batch) {
  LabelRows out;
  for (std::size_t t = 0; t < batch.targets.size(); ++t)
    if (batch.targets[t] >= 0) {
      out.rows.push_back(static_cast<std::int32_t>(t));
      out.targets.push_back(batch.targets[t]);
    }
  return out;
}

/// The head of a model, and token rows that replace some of its own.
struct Head {
  const Linear& linear;
  const adapter::TokenRows* rows;

  explicit Head(const Decoder& model) : linear(model.lm_head()), rows(model.head_rows()) {}
  void forward(Context& ctx, TensorView x, TensorView logits, Linear::Saved& saved,
               std::uint64_t dropout_key) const {
    linear.forward(ctx, x, logits, false, saved, dropout_key);
    if (rows != nullptr) rows->replace_logits(ctx, x, logits);
  }
  /// `dlogits` is consumed.
  void backward(Context& ctx, TensorView x, const Linear::Saved& saved, TensorView dlogits,
                TensorView dx) const {
    if (rows == nullptr) return linear.backward(ctx, x, saved, dlogits, dx, false);
    ops::fill_zero(ctx, dx);
    rows->logits_backward(ctx, x, dlogits, dx);
    linear.backward(ctx, x, saved, dlogits, dx, true);
  }
};

double run(Context& ctx, const Decoder& model, const Batch& batch, TensorView hidden,
           TensorView d_hidden, double grad_scale) {
  const DType compute = model.compute(), acc = accumulator_of(compute);
  const LabelRows labels = label_rows(batch);
  const auto R = static_cast<std::int64_t>(labels.rows.size());
  const bool backward = static_cast<bool>(d_hidden);
  if (backward) ops::fill_zero(ctx, d_hidden);
  if (R == 0) return 0.0;
  const Head head(model);
  const std::int64_t C = hidden.dim(1), V = head.linear.out, block = std::min(model.loss_rows(), R);
  const ArenaScope scope(ctx.arena);
  const TensorView x = allocate(ctx.arena, compute, {R, C});
  const TensorView normed = allocate(ctx.arena, compute, {R, C});
  const Norm::Saved statistics = model.final_norm().allocate_saved(ctx.arena, compute, R);
  const double softcap = model.shape().logit_softcap;
  const TensorView losses = allocate(ctx.arena, DType::f64, {R});
  const TensorView logits = allocate(ctx.arena, acc, {block, V});
  TensorView dlogits, d_normed;
  if (backward) {
    d_normed = allocate(ctx.arena, compute, {R, C});
    // Where the types agree the gradient overwrites the logits.
    dlogits = compute == acc ? logits : allocate(ctx.arena, compute, {block, V});
  }
  ops::gather_rows(ctx, hidden, labels.rows.data(), x);
  model.final_norm().forward(ctx, x, normed, statistics);
  for (std::int64_t first = 0; first < R; first += block) {
    const std::int64_t n = std::min(block, R - first);
    const TensorView rows = normed.rows(first, n), z = logits.rows(0, n);
    const ArenaScope block_scope(ctx.arena);
    Linear::Saved saved = head.linear.allocate_saved(ctx.arena, compute, n);
    const std::uint64_t key =
        batch.dropout_key == 0
            ? 0
            : kernels::hash_counter(batch.dropout_key,
                                    kHeadKey + static_cast<std::uint64_t>(first)) |
                  1u;
    head.forward(ctx, rows, z, saved, key);
    if (softcap > 0) ops::softcap(ctx, z, compute, softcap);
    const TensorView dz = backward ? dlogits.rows(0, n) : TensorView();
    ops::cross_entropy(ctx, z, labels.targets.data() + first, losses.as<double>() + first, dz,
                       compute, grad_scale, softcap);
    if (!backward) continue;
    head.backward(ctx, rows, saved, dz, d_normed.rows(first, n));
  }
  if (backward) {
    model.final_norm().backward(ctx, x, statistics, d_normed, d_normed, false);
    ops::scatter_rows(ctx, d_normed, labels.rows.data(), d_hidden);
  }
  return ops::sum(ctx, losses);
}

}  // namespace

double CausalLmLoss::evaluate(Context& ctx, const Decoder& model, const Batch& batch,
                              TensorView hidden) {
  return run(ctx, model, batch, hidden, {}, 0.0);
}

double CausalLmLoss::forward_backward(Context& ctx, const Decoder& model, const Batch& batch,
                                      TensorView hidden, TensorView d_hidden, double grad_scale) {
  return run(ctx, model, batch, hidden, d_hidden, grad_scale);
}

void CausalLmLoss::logits(Context& ctx, const Decoder& model, TensorView hidden_rows,
                          TensorView logits) {
  const ArenaScope scope(ctx.arena);
  const TensorView normed =
      allocate(ctx.arena, model.compute(), {hidden_rows.dim(0), hidden_rows.dim(1)});
  model.final_norm().forward(ctx, hidden_rows, normed, {});
  const Head head(model);
  Linear::Saved saved = head.linear.allocate_saved(ctx.arena, model.compute(), normed.dim(0));
  head.forward(ctx, normed, logits, saved, 0);
  if (model.shape().logit_softcap > 0)
    ops::softcap(ctx, logits, model.compute(), model.shape().logit_softcap);
}

}  // namespace axl::model
