// Direct preference optimisation against central differences in double, and against its formula.
#include <cmath>

#include "task/task.hpp"
#include "unit/model/tiny_model.hpp"

namespace axl::test {
namespace {

model::DecoderOptions options(bool full) {
  model::DecoderOptions o{.compute = DType::f64};
  o.training.full = full;
  if (!full) o.training.lora = tiny_lora();
  return o;
}

struct Case {
  TinyWeights weights{{.layers = 1}};
  TinyBatch pairs{{5, 4, 3, 7}};
  TinyDecoder policy, reference{weights, {.compute = DType::f64}};
  std::unique_ptr<task::Task> task;
  std::vector<double> sums;

  Case(bool full, double smoothing)
      : policy(weights, options(full)),
        task(task::tasks().get("dpo").make({.beta = 0.3,
                                            .label_smoothing = smoothing,
                                            .reference = full ? &reference.decoder : nullptr})),
        sums(task->metrics().size(), 0.0) {
    policy.perturb();
  }
  ops::Context context() {
    ops::Context ctx = policy.bench.context();
    policy.decoder.refresh_values(ctx);
    return ctx;
  }
  double loss() {
    ops::Context ctx = context();
    return task->evaluate(ctx, policy.decoder, pairs.view(), sums);
  }
};

TEST(Dpo, GradientsOfEveryParameter) {
  for (const bool full : {false, true})
    for (const double smoothing : {0.0, 0.2}) {
      Case c(full, smoothing);
      c.policy.decoder.parameters().zero_grad();
      ops::Context ctx = c.context();
      const double loss = c.task->train(ctx, c.policy.decoder, c.pairs.view(), 1.0, {}, c.sums);
      EXPECT_NEAR(loss, c.loss(), 1e-12);
      check_parameters([&] { return c.loss(); }, c.policy.decoder.parameters());
    }
}

TEST(Dpo, AScaleScalesTheGradientOnly) {
  Case c(false, 0.0);
  ops::Context ctx = c.context();
  c.policy.decoder.parameters().zero_grad();
  const double one = c.task->train(ctx, c.policy.decoder, c.pairs.view(), 1.0, {}, c.sums);
  const std::vector<double> whole = c.policy.gradients();
  c.policy.decoder.parameters().zero_grad();
  const double other = c.task->train(ctx, c.policy.decoder, c.pairs.view(), 0.25, {}, c.sums);
  const std::vector<double> quarter = c.policy.gradients();
  EXPECT_EQ(one, other);
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(0.25 * whole[i], quarter[i], 1e-12);
}

/// The reference of an adapter is the model without it: before training nothing is preferred.
TEST(Dpo, BeginsAtLogTwo) {
  Case c(false, 0.0);
  TinyDecoder fresh(c.weights, options(false));
  ops::Context ctx = fresh.bench.context();
  const double loss = c.task->evaluate(ctx, fresh.decoder, c.pairs.view(), c.sums);
  EXPECT_NEAR(loss, 2 * std::log(2.0), 1e-12) << "two pairs";
  for (const std::size_t reward : {0, 1, 2, 3}) EXPECT_EQ(c.sums[reward], 0.0);
}

TEST(Dpo, MeasuresWhatItPrefers) {
  Case c(false, 0.0);
  std::vector<double> both(c.sums.size(), 0.0);
  ops::Context ctx = c.context();
  const double together = c.task->evaluate(ctx, c.policy.decoder, c.pairs.view(), both);
  double sum = 0;
  std::vector<double> each(c.sums.size(), 0.0);
  for (const std::size_t pair : {0, 1}) {
    TinyBatch one = c.pairs.document(2 * pair);
    const TinyBatch second = c.pairs.document(2 * pair + 1);
    const auto offset = static_cast<std::int32_t>(one.ids.size());
    for (auto [to, from] :
         {std::pair{&one.ids, &second.ids}, std::pair{&one.targets, &second.targets},
          std::pair{&one.positions, &second.positions}})
      to->insert(to->end(), from->begin(), from->end());
    one.cu.push_back(offset + second.cu.back());
    const double loss = c.task->evaluate(ctx, c.policy.decoder, one.view(), each);
    sum += loss;
  }
  EXPECT_NEAR(together, sum, 1e-12);
  for (std::size_t m = 0; m < both.size(); ++m) EXPECT_NEAR(both[m], each[m], 1e-12) << m;
  EXPECT_NEAR(both[3], both[0] - both[1], 1e-12) << "margins";
}

}  // namespace
}  // namespace axl::test
