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

  Head(const Decoder& model, const Context& ctx)
      : linear(model.lm_head()), rows(ctx.adapters_off ? nullptr : model.head_rows()) {}
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

/// What is wanted of the losses of the label tokens.
struct Wanted {
  TensorView d_hidden;                  ///< empty: no gradient
  double scale = 0;                     ///< of the gradient,
  std::span<const double> scales;       ///< or one for each document
  std::vector<double>* sums = nullptr;  ///< of the losses, one for each document
};

/// Runs of label rows that belong to one document: for each the number of its last row, plus one.
std::vector<std::int64_t> document_ends(const Batch& batch, const LabelRows& labels) {
  std::vector<std::int64_t> out;
  std::int64_t row = 0;
  for (std::size_t d = 1; d < batch.cu_seqlens.size(); ++d) {
    while (row < std::ssize(labels.rows) &&
           labels.rows[static_cast<std::size_t>(row)] < batch.cu_seqlens[d])
      ++row;
    out.push_back(row);
  }
  return out;
}

/// Calls f(document, first, count) for the stretches of rows [first, first + n) by document.
template <class F>
void by_document(const std::vector<std::int64_t>& ends, std::int64_t first, std::int64_t n, F f) {
  std::int64_t begin = 0;
  for (std::size_t d = 0; d < ends.size(); begin = ends[d++]) {
    const std::int64_t from = std::max(begin, first), to = std::min(ends[d], first + n);
    if (from < to) f(d, from, to - from);
  }
}

double run(Context& ctx, const Decoder& model, const Batch& batch, TensorView hidden,
           const Wanted& wanted) {
  const DType compute = model.compute(), acc = accumulator_of(compute);
  const LabelRows labels = label_rows(batch);
  const auto R = static_cast<std::int64_t>(labels.rows.size());
  const bool backward = static_cast<bool>(wanted.d_hidden);
  const bool documents = wanted.sums != nullptr || !wanted.scales.empty();
  const std::vector<std::int64_t> ends =
      documents ? document_ends(batch, labels) : std::vector<std::int64_t>{};
  if (wanted.sums != nullptr) wanted.sums->assign(static_cast<std::size_t>(batch.documents()), 0.0);
  if (backward) ops::fill_zero(ctx, wanted.d_hidden);
  if (R == 0) return 0.0;
  const Head head(model, ctx);
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
    const auto cross_entropy = [&](std::int64_t from, std::int64_t count, double scale) {
      ops::cross_entropy(ctx, z.rows(from - first, count), labels.targets.data() + from,
                         losses.as<double>() + from,
                         backward ? dz.rows(from - first, count) : TensorView(), compute, scale,
                         softcap);
    };
    if (wanted.scales.empty())
      cross_entropy(first, n, wanted.scale);
    else
      by_document(ends, first, n, [&](std::size_t d, std::int64_t from, std::int64_t count) {
        cross_entropy(from, count, wanted.scales[d]);
      });
    if (!backward) continue;
    head.backward(ctx, rows, saved, dz, d_normed.rows(first, n));
  }
  if (backward) {
    model.final_norm().backward(ctx, x, statistics, d_normed, d_normed, false);
    ops::scatter_rows(ctx, d_normed, labels.rows.data(), wanted.d_hidden);
  }
  if (wanted.sums == nullptr) return ops::sum(ctx, losses);
  by_document(ends, 0, R, [&](std::size_t d, std::int64_t from, std::int64_t count) {
    (*wanted.sums)[d] = ops::sum(ctx, losses.rows(from, count));
  });
  return 0.0;
}

}  // namespace

double CausalLmLoss::evaluate(Context& ctx, const Decoder& model, const Batch& batch,
                              TensorView hidden) {
  return run(ctx, model, batch, hidden, {});
}

double CausalLmLoss::forward_backward(Context& ctx, const Decoder& model, const Batch& batch,
                                      TensorView hidden, TensorView d_hidden, double grad_scale) {
  return run(ctx, model, batch, hidden, {.d_hidden = d_hidden, .scale = grad_scale, .scales = {}});
}

std::vector<double> CausalLmLoss::document_losses(Context& ctx, const Decoder& model,
                                                  const Batch& batch, TensorView hidden) {
  std::vector<double> sums;
  run(ctx, model, batch, hidden, {.d_hidden = {}, .scales = {}, .sums = &sums});
  return sums;
}

void CausalLmLoss::backward_by_document(Context& ctx, const Decoder& model, const Batch& batch,
                                        TensorView hidden, TensorView d_hidden,
                                        std::span<const double> scales) {
  run(ctx, model, batch, hidden, {.d_hidden = d_hidden, .scales = scales});
}

void CausalLmLoss::logits(Context& ctx, const Decoder& model, TensorView hidden_rows,
                          TensorView logits) {
  const ArenaScope scope(ctx.arena);
  const TensorView normed =
      allocate(ctx.arena, model.compute(), {hidden_rows.dim(0), hidden_rows.dim(1)});
  model.final_norm().forward(ctx, hidden_rows, normed, {});
  const Head head(model, ctx);
  Linear::Saved saved = head.linear.allocate_saved(ctx.arena, model.compute(), normed.dim(0));
  head.forward(ctx, normed, logits, saved, 0);
  if (model.shape().logit_softcap > 0)
    ops::softcap(ctx, logits, model.compute(), model.shape().logit_softcap);
}

}  // namespace axl::model
