// Direct preference optimisation: Rafailov et al. 2023, arXiv:2305.18290, eq. 7. With
// x = (log p - log p_ref)(chosen) - (log p - log p_ref)(rejected)
//   loss = -(1 - s) log sigmoid(beta x) - s log sigmoid(-beta x),
// where s, the label smoothing, makes it conservative (Mitchell 2023, "A note on DPO with noisy
// preferences", eq. 3); 0: the sigmoid loss of TRL. Documents of a batch come in pairs, the chosen
// one first.
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "model/losses/causal_lm.hpp"
#include "task/task.hpp"

namespace axl::task {
namespace {

using model::CausalLmLoss;

constexpr std::array<std::string_view, 6> kMetrics{"rewards/chosen",     "rewards/rejected",
                                                   "rewards/accuracies", "rewards/margins",
                                                   "logps/chosen",       "logps/rejected"};

double log_sigmoid(double x) {
  return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x));
}
double sigmoid(double x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}

class Dpo final : public Task {
 public:
  explicit Dpo(const TaskOptions& options) : o_(options) {}
  data::RowLayout layout() const override { return data::RowLayout::pair; }
  Mean mean() const override { return Mean::rows; }
  std::span<const std::string_view> metrics() const override { return kMetrics; }

  double train(Context& ctx, model::Decoder& model, const model::Batch& batch, double scale,
               const LayerDone& layer_done, std::span<double> sums) const override {
    const std::vector<double> reference = reference_losses(ctx, model, batch);
    const device::ArenaScope scope(ctx.arena);
    model::Decoder::Saved saved;
    const tensor::TensorView hidden = model.forward(ctx, batch, saved);
    const std::vector<double> policy = CausalLmLoss::document_losses(ctx, model, batch, hidden);
    std::vector<double> slopes(policy.size());
    const double loss = compare(policy, reference, sums, &slopes);
    for (double& slope : slopes) slope *= scale;
    const tensor::TensorView d_hidden =
        tensor::allocate(ctx.arena, model.compute(), {batch.tokens(), model.config().hidden_size});
    CausalLmLoss::backward_by_document(ctx, model, batch, hidden, d_hidden, slopes);
    model.backward(ctx, batch, saved, d_hidden, layer_done);
    return loss;
  }

  double evaluate(Context& ctx, model::Decoder& model, const model::Batch& batch,
                  std::span<double> sums) const override {
    const std::vector<double> reference = reference_losses(ctx, model, batch);
    return compare(losses(ctx, model, batch), reference, sums, nullptr);
  }

 private:
  static std::vector<double> losses(Context& ctx, model::Decoder& model,
                                    const model::Batch& batch) {
    const device::ArenaScope scope(ctx.arena);
    model::Decoder::Saved saved;
    const tensor::TensorView hidden = model.forward(ctx, batch, saved);
    return CausalLmLoss::document_losses(ctx, model, batch, hidden);
  }

  std::vector<double> reference_losses(Context& ctx, model::Decoder& model,
                                       const model::Batch& batch) const {
    model::Batch still = batch;
    still.dropout_key = 0;
    if (o_.reference != nullptr) return losses(ctx, *o_.reference, still);
    Context base = ctx;
    base.adapters_off = true;
    return losses(base, model, still);
  }

  /// The sum of the losses of all pairs; `slopes`: their derivatives by the documents' losses,
  /// which are -log p.
  double compare(const std::vector<double>& policy, const std::vector<double>& reference,
                 std::span<double> sums, std::vector<double>* slopes) const {
    AXL_CHECK(policy.size() % 2 == 0 && policy.size() == reference.size(),
              "dpo: documents come in pairs");
    double loss = 0;
    for (std::size_t i = 0; i < policy.size(); i += 2) {
      const double chosen = o_.beta * (reference[i] - policy[i]),
                   rejected = o_.beta * (reference[i + 1] - policy[i + 1]),
                   margin = chosen - rejected, s = o_.label_smoothing;
      loss -= (1 - s) * log_sigmoid(margin) + s * log_sigmoid(-margin);
      const std::array<double, kMetrics.size()> measured{chosen, rejected,   margin > 0 ? 1.0 : 0.0,
                                                         margin, -policy[i], -policy[i + 1]};
      for (std::size_t m = 0; m < measured.size(); ++m) sums[m] += measured[m];
      if (slopes == nullptr) continue;
      const double slope = o_.beta * ((1 - s) * sigmoid(-margin) - s * sigmoid(margin));
      (*slopes)[i] = slope;
      (*slopes)[i + 1] = -slope;
    }
    return loss;
  }

  TaskOptions o_;
};

}  // namespace

TaskSpec dpo_spec() {
  return {"dpo",
          [](const TaskOptions& o) -> std::unique_ptr<Task> { return std::make_unique<Dpo>(o); }};
}

}  // namespace axl::task
