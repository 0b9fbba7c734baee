// What a decoder promises besides gradients: losses, adapters, precision, caching.
#include <numeric>

#include "unit/model/tiny_model.hpp"

namespace axl::test {
namespace {

using tensor::TensorView;

model::DecoderOptions full(DType compute = DType::f64) {
  return {.compute = compute, .training = {.full = true}};
}

std::vector<ParameterPattern> patterns(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

/// As PEFT has it: a saved module is a copy, so that a tied head stays what it was.
TEST(Decoder, SavedModulesAreUntied) {
  const TinyWeights w({.tied = true});
  auto lora = tiny_lora();
  lora.modules_to_save = {"embed_tokens"};
  TinyDecoder one(w, {.training = {.lora = lora}});
  EXPECT_FALSE(one.decoder.trains_head());
  EXPECT_NE(one.decoder.lm_head().weight.plain.data(), one.decoder.embedding().table.plain.data());
  lora.modules_to_save = {"embed_tokens", "lm_head"};
  TinyDecoder both(w, {.training = {.lora = lora}});
  EXPECT_TRUE(both.decoder.trains_head());
  EXPECT_NE(both.decoder.parameters().find("base_model.model.lm_head.weight"),
            both.decoder.parameters().find("base_model.model.model.embed_tokens.weight"));
}

TEST(Decoder, TrainsWhatItWasAskedTo) {
  const TinyWeights w({.bias = true});
  TinyDecoder everything(w, full());
  EXPECT_EQ(everything.decoder.parameters().trained_elements(),
            everything.decoder.total_parameters());
  TinyDecoder some(
      w, {.training = {.full = true,
                       .unfrozen_parameters = patterns({"lm_head", "model.layers.1.mlp"})}});
  for (const auto& p : some.decoder.parameters().all())
    EXPECT_TRUE(p.name == "lm_head.weight" || p.name.starts_with("model.layers.1.mlp")) << p.name;
  EXPECT_EQ(some.decoder.parameters().all().size(), 7u);
  TinyDecoder adapters(w, {.training = {.lora = tiny_lora()}});
  EXPECT_EQ(adapters.decoder.parameters().all().size(), 28u);
  auto whole = tiny_lora();
  whole.modules_to_save = {"embed_tokens", "lm_head"};
  whole.bias = "all";
  TinyDecoder more(w, {.training = {.lora = whole}});
  EXPECT_EQ(more.decoder.parameters().all().size(), 28u + 2u + 14u);
}

TEST(Decoder, TrainsOnlyTheRowsThatAPatternNames) {
  const TinyWeights w({});
  const TinyBatch b({5, 6});
  auto options = full();
  TinyDecoder all(w, options);
  options.training.unfrozen_parameters =
      patterns({"^model.embed_tokens.weight$[:9]", "model.embed_tokens.weight[12]", "lm_head"});
  TinyDecoder some(w, options);
  all.run(b.view(), true);
  some.run(b.view(), true);
  some.decoder.parameters().zero_grad_of_frozen_rows();
  const auto* got = some.decoder.parameters().find("model.embed_tokens.weight");
  const auto* want = all.decoder.parameters().find("model.embed_tokens.weight");
  ASSERT_NE(got, nullptr);
  double trained = 0;
  for (std::int64_t i = 0; i < got->elements(); ++i) {
    const std::int64_t row = i / got->shape[1];
    const double expected = row < 9 || row == 12 ? want->grad.as<double>()[i] : 0.0;
    EXPECT_NEAR(got->grad.as<double>()[i], expected, 1e-12) << row;
    trained += std::abs(expected);
  }
  EXPECT_GT(trained, 0);
  EXPECT_TRUE(some.decoder.parameters().find("lm_head.weight")->frozen_rows.empty());
}

TEST(Decoder, FrozenLayersBelowGetNoGradientWork) {
  const TinyWeights w({});
  const TinyBatch b({5, 6});
  TinyDecoder all(w, full()),
      top(w, {.compute = DType::f64,
              .training = {.full = true, .unfrozen_parameters = patterns({"model.layers.1"})}});
  all.run(b.view(), true);
  top.run(b.view(), true);
  for (const auto& p : top.decoder.parameters().all()) {
    const auto* same = all.decoder.parameters().find(p.name);
    ASSERT_NE(same, nullptr);
    for (std::int64_t i = 0; i < p.elements(); ++i)
      EXPECT_NEAR(p.grad.as<double>()[i], same->grad.as<double>()[i], 1e-12) << p.name;
  }
}

TEST(Decoder, DocumentsTogetherOrAloneGiveTheSameLossAndGradient) {
  const TinyWeights w({});
  const TinyBatch b({1, 9, 66, 4});
  TinyDecoder together(w, full()), alone(w, full());
  const double loss = together.run(b.view(), true);
  double sum = 0;
  for (std::size_t d = 0; d < 4; ++d) sum += alone.run(b.document(d).view(), true);
  EXPECT_NEAR(loss, sum, 1e-10 * std::abs(sum));
  EXPECT_LE(largest_difference(together.gradients(), alone.gradients()), 1e-11);
}

TEST(Decoder, TwoMicroBatchesEqualOne) {
  const TinyWeights w({});
  const TinyBatch whole({7, 20, 3});
  TinyDecoder one(w, {.compute = DType::f64, .training = {.lora = tiny_lora()}});
  TinyDecoder two(w, {.compute = DType::f64, .training = {.lora = tiny_lora()}});
  one.perturb();
  two.perturb();
  const double scale = 1.0 / static_cast<double>(whole.labels);
  one.run(whole.view(), true, scale);
  for (std::size_t d = 0; d < 3; ++d) two.run(whole.document(d).view(), true, scale);
  EXPECT_LE(largest_difference(one.gradients(), two.gradients()), 1e-12);
}

TEST(Decoder, TheOrderOfDocumentsDoesNotMatter) {
  const TinyWeights w({});
  const TinyBatch b({9, 5});
  TinyBatch swapped = b.document(1);
  const TinyBatch first = b.document(0);
  swapped.ids.insert(swapped.ids.end(), first.ids.begin(), first.ids.end());
  swapped.targets.insert(swapped.targets.end(), first.targets.begin(), first.targets.end());
  swapped.positions.insert(swapped.positions.end(), first.positions.begin(), first.positions.end());
  swapped.cu = {0, 5, 14};
  TinyDecoder tiny(w, full());
  EXPECT_NEAR(tiny.run(b.view(), false), tiny.run(swapped.view(), false), 1e-11);
}

TEST(Decoder, OnlyLabelsCount) {
  const TinyWeights w({});
  TinyBatch b({12}, 1.0);
  TinyDecoder tiny(w, full());
  const double all = tiny.run(b.view(), false);
  double sum = 0;
  for (std::size_t t = 0; t < 12; ++t) {
    TinyBatch single = b;
    std::fill(single.targets.begin(), single.targets.end(), -100);
    single.targets[t] = b.targets[t];
    sum += tiny.run(single.view(), false);
  }
  EXPECT_NEAR(all, sum, 1e-11);
  std::fill(b.targets.begin(), b.targets.end(), -100);
  EXPECT_EQ(tiny.run(b.view(), true), 0.0) << "no label, no loss";
  for (const double g : tiny.gradients()) EXPECT_EQ(g, 0.0);
}

TEST(Decoder, LaterTokensDoNotChangeEarlierLosses) {
  const TinyWeights w({});
  TinyBatch b({12}, 1.0);
  for (std::size_t t = 6; t < 12; ++t) b.targets[t] = -100;
  TinyDecoder tiny(w, full());
  const double before = tiny.run(b.view(), false);
  for (std::size_t t = 6; t < 12; ++t) b.ids[t] = (b.ids[t] + 1) % 37;
  EXPECT_EQ(tiny.run(b.view(), false), before);
}

TEST(Decoder, EvaluationAndTrainingAgreeOnTheLoss) {
  const TinyWeights w({});
  const TinyBatch b({30, 70});
  for (const DType compute : {DType::f32, DType::bf16, DType::f64}) {
    TinyDecoder tiny(w, full(compute));
    EXPECT_EQ(tiny.run(b.view(), false), tiny.run(b.view(), true)) << name_of(compute);
  }
}

TEST(Decoder, LogitsAreWhatTheLossUses) {
  const TinyWeights w({});
  const TinyBatch b({8}, 1.0);
  TinyDecoder tiny(w, full());
  const double loss = tiny.run(b.view(), false);
  ops::Context ctx = tiny.bench.context();
  model::Decoder::Saved saved;
  const TensorView hidden = tiny.decoder.forward(ctx, b.view(), saved);
  DoubleTensor z(8, 37, 1);
  model::CausalLmLoss::logits(ctx, tiny.decoder, hidden, z);
  double sum = 0;
  for (std::size_t t = 0; t < 8; ++t) {
    double total = 0;
    for (std::size_t v = 0; v < 37; ++v) total += std::exp(z.values[t * 37 + v]);
    sum += std::log(total) - z.values[t * 37 + static_cast<std::size_t>(b.targets[t])];
  }
  EXPECT_NEAR(loss, sum, 1e-11);
}

TEST(Decoder, ANewAdapterChangesNothing) {
  const TinyWeights w({.bias = true});
  const TinyBatch b({9, 20});
  for (const DType compute : {DType::f32, DType::bf16}) {
    TinyDecoder base(w, {.compute = compute}),
        adapted(w, {.compute = compute, .training = {.lora = tiny_lora(0.3)}});
    EXPECT_EQ(base.run(b.view(), false), adapted.run(b.view(), false)) << name_of(compute);
    EXPECT_EQ(base.run(b.view(), false), adapted.run(b.view(77), false))
        << "dropout is inside the adapter, whose B is zero";
  }
}

TEST(Decoder, TheSeedDecidesTheAdapter) {
  const TinyWeights w({});
  const auto a_of = [&](std::uint64_t seed) {
    TinyDecoder t(w, {.training = {.lora = tiny_lora()}, .seed = seed});
    std::vector<float> out;
    for (const auto& p : t.decoder.parameters().all()) {
      const float* x = p.master.as<float>();
      const bool is_a = p.name.find("lora_A") != std::string::npos;
      const float bound = 1.0f / std::sqrt(static_cast<float>(p.shape[1]));
      for (std::int64_t i = 0; i < p.elements(); ++i) {
        if (is_a) {
          EXPECT_LE(std::abs(x[i]), bound);
        } else {
          EXPECT_EQ(x[i], 0.0f) << p.name;
        }
      }
      if (is_a) out.insert(out.end(), x, x + p.elements());
    }
    return out;
  };
  EXPECT_EQ(a_of(1), a_of(1));
  EXPECT_NE(a_of(1), a_of(2));
}

TEST(Decoder, DropoutFollowsItsKey) {
  const TinyWeights w({});
  const TinyBatch b({30});
  TinyDecoder tiny(w, {.training = {.lora = tiny_lora(0.5)}});
  tiny.perturb();
  EXPECT_EQ(tiny.run(b.view(5), false), tiny.run(b.view(5), false));
  EXPECT_NE(tiny.run(b.view(5), false), tiny.run(b.view(6), false));
  EXPECT_NE(tiny.run(b.view(5), false), tiny.run(b.view(0), false));
}

TEST(Decoder, EmbeddingNoiseIsThereInTrainingAlone) {
  const TinyWeights w({});
  const TinyBatch b({30, 7});
  const auto loss = [&](double noise, std::uint64_t key, bool checkpointing = false) {
    TinyDecoder tiny(w, {.training = {.full = true},
                         .gradient_checkpointing = checkpointing,
                         .embedding_noise = noise});
    return std::pair(tiny.run(b.view(key), true), tiny.gradients());
  };
  const auto plain = loss(0, 5);
  EXPECT_EQ(loss(0, 0), plain);
  EXPECT_EQ(loss(15, 0), plain) << "evaluation";
  const auto noisy = loss(15, 5);
  EXPECT_NE(noisy.first, plain.first);
  EXPECT_EQ(loss(15, 5), noisy);
  EXPECT_NE(loss(15, 6).first, noisy.first);
  EXPECT_EQ(loss(15, 5, true), noisy) << "checkpointing goes on from the same embeddings";
}

TEST(Decoder, Bf16StaysNearF32) {
  const TinyWeights w({.storage = weights::Storage::bf16});
  const TinyBatch b({40, 66, 5});
  for (const bool prepack : {false, true}) {
    TinyDecoder single(
        w, {.compute = DType::f32, .training = {.lora = tiny_lora()}, .prepack = prepack});
    TinyDecoder half(
        w, {.compute = DType::bf16, .training = {.lora = tiny_lora()}, .prepack = prepack});
    const double scale = 1.0 / static_cast<double>(b.labels);
    const double a = scale * single.run(b.view(), true, scale),
                 c = scale * half.run(b.view(), true, scale);
    EXPECT_NEAR(a, c, 2e-2);
    double difference = 0, size = 0;
    const auto x = single.gradients(), y = half.gradients();
    for (std::size_t i = 0; i < x.size(); ++i) {
      difference += (x[i] - y[i]) * (x[i] - y[i]);
      size += x[i] * x[i];
    }
    EXPECT_LE(std::sqrt(difference / size), 0.05);
    EXPECT_GT(difference, 0.0);
  }
}

/// What bf16 is on a processor that cannot compute with it: the forward pass is that of f32, the
/// backward pass reads rounded activations.
TEST(Decoder, ActivationsStoredAsBf16StayNearF32) {
  const TinyWeights w({.bias = true, .storage = weights::Storage::bf16});
  const TinyBatch b({40, 66, 5});
  const double scale = 1.0 / static_cast<double>(b.labels);
  for (const bool dora : {false, true})
    for (const bool checkpointing : {false, true}) {
      model::DecoderOptions o;
      o.training.lora = tiny_lora(0.1);
      o.training.lora->use_dora = dora;
      TinyDecoder single(w, o);
      o.stored = DType::bf16;
      o.gradient_checkpointing = checkpointing;
      TinyDecoder half(w, o);
      for (TinyDecoder* t : {&single, &half}) t->perturb();
      EXPECT_EQ(half.run(b.view(7), true, scale), single.run(b.view(7), true, scale));
      double difference = 0, size = 0;
      const auto x = single.gradients(), y = half.gradients();
      for (std::size_t i = 0; i < x.size(); ++i) {
        difference += (x[i] - y[i]) * (x[i] - y[i]);
        size += x[i] * x[i];
      }
      EXPECT_LE(std::sqrt(difference / size), 0.01) << dora << checkpointing;
      EXPECT_GT(difference, 0.0);
    }
}

TEST(Decoder, F32StaysNearF64AndPackedNearPlain) {
  const TinyWeights w({.tied = true});
  const TinyBatch b({40, 66, 5});
  TinyDecoder exact(w, {.compute = DType::f64}), single(w, {.compute = DType::f32}),
      packed(w, {.compute = DType::f32, .prepack = true});
  const double reference = exact.run(b.view(), false);
  EXPECT_NEAR(single.run(b.view(), false), reference, 1e-5 * reference);
  EXPECT_NEAR(packed.run(b.view(), false), reference, 1e-5 * reference);
}

TEST(Decoder, CachedTokensGiveTheHiddenStatesOfTheWhole) {
  const TinyWeights w({.bias = true});
  const TinyBatch b({20});
  TinyDecoder tiny(w, {.compute = DType::f64});
  ops::Context ctx = tiny.bench.context();
  model::Decoder::Saved saved;
  const TensorView whole = tiny.decoder.forward(ctx, b.view(), saved);
  std::vector<model::KvCache> caches(2);
  for (model::KvCache& c : caches) {
    c.k = tensor::allocate(tiny.bench.arena, DType::f64, {20, 8});
    c.v = tensor::allocate(tiny.bench.arena, DType::f64, {20, 8});
  }
  std::size_t done = 0;
  for (const std::size_t n : {std::size_t{11}, std::size_t{1}, std::size_t{1}, std::size_t{7}}) {
    const std::int32_t cu[2] = {0, static_cast<std::int32_t>(n)};
    const model::Batch part{.ids = std::span(b.ids).subspan(done, n),
                            .positions = std::span(b.positions).subspan(done, n),
                            .cu_seqlens = cu};
    const TensorView hidden = tiny.decoder.forward_cached(ctx, part, caches);
    for (std::size_t i = 0; i < n * 16; ++i)
      EXPECT_NEAR(hidden.as<double>()[i], whole.as<double>()[done * 16 + i], 1e-12);
    done += n;
  }
  EXPECT_EQ(caches[1].length, 20);
}

TEST(Decoder, LayersAreReportedFromLastToFirst) {
  const TinyWeights w({.layers = 3});
  const TinyBatch b({5}, 1.0);
  TinyDecoder tiny(w, full());
  ops::Context ctx = tiny.bench.context();
  model::Decoder::Saved saved;
  const TensorView hidden = tiny.decoder.forward(ctx, b.view(), saved);
  const TensorView d = tensor::allocate(tiny.bench.arena, DType::f64, {5, 16});
  model::CausalLmLoss::forward_backward(ctx, tiny.decoder, b.view(), hidden, d, 1.0);
  std::vector<std::int64_t> order;
  tiny.decoder.backward(ctx, b.view(), saved, d, [&](std::int64_t i) { order.push_back(i); });
  EXPECT_EQ(order, (std::vector<std::int64_t>{2, 1, 0, -1}));
}

/// The loss runs over blocks of rows of logits: several blocks give what one gives.
TEST(Decoder, BlocksOfLogitsDoNotChangeTheLoss) {
  const TinyWeights w({.vocab = 70000, .hidden = 8, .heads = 2, .kv_heads = 1});
  TinyDecoder tiny(w, {.compute = DType::f64});
  ASSERT_LT(tiny.decoder.loss_rows(), 100);
  const TinyBatch b({50, 30, 40}, 1.0, 70000);
  double sum = 0;
  for (std::size_t d = 0; d < 3; ++d) sum += tiny.run(b.document(d).view(), false);
  EXPECT_NEAR(tiny.run(b.view(), false), sum, 1e-10 * sum);
}

}  // namespace
}  // namespace axl::test
