// The planned arena is never too small (it throws when it is) and not much too large.
#include <algorithm>
#include <optional>

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
    const tensor::TensorView hidden = tiny.decoder.forward(ctx, b.view(9), saved);
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

TEST_P(Plan, HoldsEveryStep) {
  const TinyWeights w({.tied = c.tied, .bias = c.bias});
  TinyDecoder tiny(w, options(), 1 << 20);
  ops::Context ctx = tiny.bench.context();
  tiny.decoder.refresh_values(ctx);
  for (const std::vector<std::int64_t>& lengths : std::vector<std::vector<std::int64_t>>{
           {1}, {2}, {1, 1, 1}, {63}, {64, 1}, {30, 7, 100}, {250}})
    for (const double share : {0.0, 0.02, 0.5, 1.0})
      for (const bool backward : {false, true}) {
        const TinyBatch b(lengths, share);
        const std::int64_t plan = tiny.decoder.plan_bytes(b.view().tokens(), b.labels, backward);
        EXPECT_NO_THROW(peak(tiny, b, plan, backward))
            << b.view().tokens() << " tokens, " << b.labels << " labels, backward " << backward;
      }
}

/// At sizes where the arena matters, for a model of usual proportions.
TEST_P(Plan, IsNotMuchTooLarge) {
  const TinyWeights w({.vocab = 800,
                       .hidden = 64,
                       .intermediate = 176,
                       .layers = 3,
                       .heads = 4,
                       .kv_heads = 2,
                       .head_dim = 16,
                       .tied = c.tied,
                       .bias = c.bias});
  TinyDecoder tiny(w, options(), 1 << 20);
  ops::Context ctx = tiny.bench.context();
  tiny.decoder.refresh_values(ctx);
  for (const double share : {0.1, 1.0}) {
    const TinyBatch b({256, 200, 256, 56}, share, 800);
    const std::int64_t plan = tiny.decoder.plan_bytes(768, b.labels, true);
    const std::int64_t used = peak(tiny, b, plan, true);
    std::printf("plan %.2f MiB, peak %.2f MiB\n", static_cast<double>(plan) / 1048576.0,
                static_cast<double>(used) / 1048576.0);
    EXPECT_LE(static_cast<double>(plan), 1.3 * static_cast<double>(used));
  }
}

}  // namespace
}  // namespace axl::test
