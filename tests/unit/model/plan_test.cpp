// The plan is the step: its arena is that of the step, to the byte.
#include <algorithm>
#include <optional>

#include "model/plan_step.hpp"
#include "unit/model/tiny_model.hpp"

namespace axl::test {
namespace {

struct PlanCase {
  const char* name;
  bool tied, bias, full, lora, prepack;
  double dropout;
  DType compute;
  bool lora_biases = false;
  bool dora = false, ends = false, rows = false;
  std::optional<DType> stored = std::nullopt;
};
/// GoogleTest would print the bytes, and those between the members have no value.
void PrintTo(const PlanCase& plan, std::ostream* out) { *out << plan.name; }

class Plan : public ::testing::TestWithParam<std::tuple<PlanCase, bool>> {
 protected:
  PlanCase c = std::get<0>(GetParam());
  bool checkpointing = std::get<1>(GetParam());

  model::DecoderOptions options() const {
    model::DecoderOptions o;
    o.compute = c.compute;
    o.stored = c.stored;
    o.prepack = c.prepack;
    o.gradient_checkpointing = checkpointing;
    o.training.full = c.full;
    if (c.lora) o.training.lora = tiny_lora(c.dropout);
    if (c.dora) o.training.lora->use_dora = true;
    if (c.ends)
      o.training.lora->target_modules.names.insert(o.training.lora->target_modules.names.end(),
                                                   {"embed_tokens", "lm_head"});
    if (c.rows) o.training.lora->trainable_tokens = {1, 2, 30};
    if (c.lora_biases) o.training.lora->bias = "all";
    return o;
  }
  /// Peak of a step in an arena of exactly the planned size.
  static std::int64_t peak(TinyDecoder& tiny, const TinyBatch& b, std::int64_t plan,
                           bool backward) {
    device::Arena arena(plan);
    ops::Context ctx{tiny.bench.kernels, session().queue(), arena};
    model::Decoder::Saved saved;
    const tensor::TensorView hidden = tiny.decoder.forward(ctx, b.view(backward ? 9 : 0), saved);
    if (backward) {
      const tensor::TensorView d = tensor::allocate(
          arena, tiny.decoder.compute(), {b.view().tokens(), tiny.decoder.config().hidden_size});
      model::CausalLmLoss::forward_backward(ctx, tiny.decoder, b.view(9), hidden, d, 1.0);
      tiny.decoder.backward(ctx, b.view(9), saved, d, {});
    } else {
      model::CausalLmLoss::evaluate(ctx, tiny.decoder, b.view(), hidden);
    }
    return arena.peak();
  }
};

INSTANTIATE_TEST_SUITE_P(
    Every, Plan,
    ::testing::Combine(
        ::testing::Values(
            PlanCase{"full", false, false, true, false, false, 0, DType::f32},
            PlanCase{"full_bias_bf16", false, true, true, false, false, 0, DType::bf16},
            PlanCase{"full_tied_f64", true, false, true, false, false, 0, DType::f64},
            PlanCase{"lora", false, false, false, true, false, 0, DType::f32},
            PlanCase{"lora_packed_bf16", false, false, false, true, true, 0, DType::bf16},
            PlanCase{"lora_dropout", true, true, false, true, false, 0.1, DType::f32},
            PlanCase{"lora_dropout_biases", false, true, false, true, false, 0.1, DType::bf16,
                     true},
            PlanCase{"dora", false, true, false, true, false, 0.1, DType::f32, false, true},
            PlanCase{"dora_rows_bf16", true, false, false, true, true, 0, DType::bf16, false, true,
                     false, true},
            PlanCase{"lora_ends_dropout", false, false, false, true, false, 0.1, DType::f32, false,
                     false, true},
            PlanCase{"lora_stored_bf16", false, false, false, true, false, 0, DType::f32, false,
                     false, false, false, DType::bf16},
            PlanCase{"dora_dropout_stored_bf16", false, true, false, true, false, 0.1, DType::f32,
                     false, true, false, false, DType::bf16},
            PlanCase{"full_stored_bf16", false, false, true, false, false, 0, DType::f32, false,
                     false, false, false, DType::bf16}),
        ::testing::Bool()),
    [](const auto& p) {
      return std::string(std::get<0>(p.param).name) +
             (std::get<1>(p.param) ? "_checkpointing" : "");
    });

TEST_P(Plan, IsTheStepToTheByte) {
  const TinyWeights w({.tied = c.tied, .bias = c.bias});
  TinyDecoder tiny(w, options(), 1 << 20);
  ops::Context ctx = tiny.bench.context();
  tiny.decoder.refresh_values(ctx);
  for (const std::vector<std::int64_t>& lengths : std::vector<std::vector<std::int64_t>>{
           {1}, {2}, {1, 1, 1}, {63}, {64, 1}, {30, 7, 100}, {250}})
    for (const double share : {0.0, 0.02, 0.5, 1.0})
      for (const bool backward : {false, true}) {
        const TinyBatch b(lengths, share);
        const std::int64_t plan =
            model::plan_step(tiny.decoder, b.view().tokens(), b.labels, backward).bytes;
        const std::int64_t used = peak(tiny, b, plan, backward);
        const std::string what = std::to_string(b.view().tokens()) + " tokens, " +
                                 std::to_string(b.labels) + " labels, backward " +
                                 std::to_string(backward);
        // How many tokens are among the trained rows depends on the text: the plan has all.
        if (c.rows)
          EXPECT_LE(used, plan) << what;
        else
          EXPECT_EQ(used, plan) << what;
      }
}

/// A decoder that was only planned says the same as the one that is there.
TEST_P(Plan, NeedsNoWeights) {
  const TinyWeights w({.tied = c.tied, .bias = c.bias});
  TinyDecoder tiny(w, options(), 1 << 20);
  model::DecoderOptions planned = options();
  planned.plan_only = true;
  const kernels::KernelTable table = kernels::make_kernel_table();
  model::Decoder sizes(w.config, *w.file, planned, table, session().queue(), {});
  sizes.reserve_positions(256);
  const model::StepPlan expected = model::plan_step(tiny.decoder, 100, 40, true);
  const model::StepPlan plan = model::plan_step(sizes, 100, 40, true);
  EXPECT_EQ(plan.bytes, expected.bytes);
  EXPECT_EQ(plan.work.flops(), expected.work.flops());
  EXPECT_GT(plan.work.kinds.at("gemm").flops, 0);
}

}  // namespace
}  // namespace axl::test
