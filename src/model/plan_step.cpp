#include "model/plan_step.hpp"

#include <numeric>

#include "model/losses/causal_lm.hpp"

namespace axl::model {
namespace {

/// One document of T tokens, and a context that computes nothing.
struct Rehearsal {
  std::vector<std::int32_t> ids, targets, positions;
  std::vector<std::int32_t> cu_seqlens;
  kernels::KernelTable table = kernels::counting_table();
  kernels::Work work;
  kernels::Queue queue{&work};
  device::Arena arena = device::Arena::planning();
  Context ctx{table, queue, arena};

  Rehearsal(const Decoder& model, std::int64_t T)
      : targets(static_cast<std::size_t>(T), -1),
        positions(static_cast<std::size_t>(T)),
        cu_seqlens{0, static_cast<std::int32_t>(T)} {
    // Trained rows of the embedding take room for every token that is one of them: all are.
    const auto& rows = model.embedding().token_rows;
    ids.assign(static_cast<std::size_t>(T), rows ? rows->ids().front() : 0);
    std::iota(positions.begin(), positions.end(), 0);
  }
  Batch batch(std::uint64_t dropout_key) const {
    return {.ids = ids,
            .targets = targets,
            .positions = positions,
            .cu_seqlens = cu_seqlens,
            .dropout_key = dropout_key};
  }
  StepPlan result() const { return {arena.peak(), work}; }
};

}  // namespace

StepPlan plan_step(Decoder& model, std::int64_t T, std::int64_t labels, bool backward) {
  Rehearsal r(model, T);
  std::fill_n(r.targets.begin(), std::min(labels, T), 0);
  const Batch batch = r.batch(backward ? 1 : 0);
  Decoder::Saved saved;
  const TensorView hidden = model.forward(r.ctx, batch, saved);
  if (!backward) {
    CausalLmLoss::evaluate(r.ctx, model, batch, hidden);
    return r.result();
  }
  const TensorView d_hidden =
      tensor::allocate(r.arena, model.compute(), {T, model.config().hidden_size});
  CausalLmLoss::forward_backward(r.ctx, model, batch, hidden, d_hidden, 1.0);
  model.backward(r.ctx, batch, saved, d_hidden, {});
  return r.result();
}

StepPlan plan_generation(Decoder& model, std::int64_t T) {
  Rehearsal r(model, T);
  std::vector<KvCache> caches;
  for (const DecoderLayer& layer : model.layers()) {
    const std::int64_t width = layer.attention.kv_width();
    caches.push_back(
        {TensorView(&r, model.compute(), {T, width}), TensorView(&r, model.compute(), {T, width})});
  }
  const TensorView hidden = model.forward_cached(r.ctx, r.batch(0), caches);
  CausalLmLoss::logits(
      r.ctx, model, hidden.rows(T - 1, 1),
      TensorView(&r, tensor::accumulator_of(model.compute()), {1, model.config().vocab_size}));
  return r.result();
}

}  // namespace axl::model
