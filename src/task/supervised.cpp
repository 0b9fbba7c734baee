// Next-token prediction: the mean of -log p over the label tokens.
#include "model/losses/causal_lm.hpp"
#include "task/task.hpp"

namespace axl::task {
namespace {

using model::CausalLmLoss;

class Supervised final : public Task {
 public:
  data::RowLayout layout() const override { return data::RowLayout::document; }
  Mean mean() const override { return Mean::label_tokens; }

  double train(Context& ctx, model::Decoder& model, const model::Batch& batch, double scale,
               const LayerDone& layer_done, std::span<double>) const override {
    const device::ArenaScope scope(ctx.arena);
    model::Decoder::Saved saved;
    const tensor::TensorView hidden = model.forward(ctx, batch, saved);
    const tensor::TensorView d_hidden =
        tensor::allocate(ctx.arena, model.compute(), {batch.tokens(), model.config().hidden_size});
    const double sum = CausalLmLoss::forward_backward(ctx, model, batch, hidden, d_hidden, scale);
    model.backward(ctx, batch, saved, d_hidden, layer_done);
    return sum;
  }

  double evaluate(Context& ctx, model::Decoder& model, const model::Batch& batch,
                  std::span<double>) const override {
    const device::ArenaScope scope(ctx.arena);
    model::Decoder::Saved saved;
    const tensor::TensorView hidden = model.forward(ctx, batch, saved);
    return CausalLmLoss::evaluate(ctx, model, batch, hidden);
  }
};

}  // namespace

TaskSpec supervised_spec() {
  return {"supervised", [](const TaskOptions&) -> std::unique_ptr<Task> {
            return std::make_unique<Supervised>();
          }};
}

}  // namespace axl::task
