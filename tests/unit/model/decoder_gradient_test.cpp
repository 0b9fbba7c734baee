// Blocks and whole decoders against central differences in double.
#include "unit/model/tiny_model.hpp"

namespace axl::test {
namespace {

using tensor::TensorView;

model::DecoderOptions options(bool full, bool lora, double dropout = 0.0,
                              const std::string& ends = "") {
  model::DecoderOptions o;
  o.compute = DType::f64;
  o.training.full = full;
  if (lora) o.training.lora = tiny_lora(dropout);
  if (ends == "lora")
    for (const char* module : {"embed_tokens", "lm_head"})
      o.training.lora->target_modules.names.emplace_back(module);
  if (ends == "rows") o.training.lora->trainable_tokens = {4, 36, 0, 11};
  return o;
}

/// One layer of a model with everything trained: gradients of x and of every parameter of it.
class Blocks : public ::testing::Test {
 protected:
  TinyWeights weights{{.layers = 1, .bias = true}};
  TinyDecoder tiny{weights, options(true, false)};
  model::DecoderLayer& layer = tiny.decoder.layers()[0];
  ops::Context ctx = tiny.bench.context();
  const model::RopeTables& rope = tiny.decoder.ropes();
  TinyBatch documents{{1, 5, 3}};
  model::Batch batch = documents.view();
  DoubleTensor x{9, 16, 1}, dy{9, 16, 2}, y{9, 16, 3}, dx{9, 16, 4};

  /// Gradients of the parameters whose names contain `part`, and of x.
  std::vector<Checked> arrays(const std::string& part) {
    std::vector<Checked> out = {checked("x", x, dx)};
    for (const tensor::Parameter& p : tiny.decoder.parameters().all())
      if (p.name.find(part) != std::string::npos) out.push_back(checked(p.name, p.master, p.grad));
    EXPECT_GT(out.size(), 1u);
    return out;
  }
  void clear_y() { std::fill(y.values.begin(), y.values.end(), 0.0); }
};

TEST_F(Blocks, SwigluMlp) {
  auto saved = layer.mlp.allocate_saved(tiny.bench.arena, DType::f64, 9);
  const auto f = [&] {
    clear_y();
    layer.mlp.forward(ctx, x, y, true, saved, 0);
    return dot(y, dy);
  };
  f();
  layer.mlp.backward(ctx, x, saved, dy, dx);
  check_gradients(f, arrays(".mlp."), 1e-6, 24);
}

TEST_F(Blocks, SelfAttention) {
  auto saved = layer.attention.allocate_saved(tiny.bench.arena, DType::f64, 9);
  const auto f = [&] {
    clear_y();
    layer.attention.forward(ctx, batch, rope, x, y, true, saved, 0, nullptr);
    return dot(y, dy);
  };
  f();
  layer.attention.backward(ctx, batch, rope, x, saved, dy, dx);
  std::vector<Checked> list = arrays("self_attn");
  // A bias of k shifts all scores of a query alike only without rotary positions; with them it has
  // a gradient, which the list therefore contains.
  check_gradients(f, list, 1e-6, 24);
}

TEST_F(Blocks, DecoderLayer) {
  auto saved = layer.allocate_saved(tiny.bench.arena, DType::f64, 9);
  const auto f = [&] {
    layer.forward(ctx, batch, rope, x, y, saved, 0, nullptr);
    return dot(y, dy);
  };
  f();
  std::copy(dy.values.begin(), dy.values.end(), dx.values.begin());
  layer.backward(ctx, batch, rope, x, saved, dx, true);
  check_gradients(f, arrays("model.layers.0"), 1e-6, 16);
}

TEST_F(Blocks, LayersGiveTheirWorkspacesBack) {
  auto saved = layer.allocate_saved(tiny.bench.arena, DType::f64, 9);
  const std::int64_t before = tiny.bench.arena.mark();
  layer.forward(ctx, batch, rope, x, y, saved, 0, nullptr);
  layer.backward(ctx, batch, rope, x, saved, dy, true);
  EXPECT_EQ(tiny.bench.arena.mark(), before);
}

struct Mode {
  const char* name;
  bool tied, bias, full, lora;
  double dropout;
  const char* ends = "";  ///< what is trained at the embedding and the head
};
/// GoogleTest would print the bytes, and those between the members have no value.
void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }
class DecoderGradient : public ::testing::TestWithParam<Mode> {};
INSTANTIATE_TEST_SUITE_P(
    Every, DecoderGradient,
    ::testing::Values(Mode{"full", false, false, true, false, 0},
                      Mode{"full_bias", false, true, true, false, 0},
                      Mode{"full_tied", true, false, true, false, 0},
                      Mode{"lora", false, false, false, true, 0},
                      Mode{"lora_tied_dropout", true, false, false, true, 0.25},
                      Mode{"lora_ends", false, false, false, true, 0.25, "lora"},
                      Mode{"lora_ends_tied", true, false, false, true, 0, "lora"},
                      Mode{"token_rows", false, false, false, true, 0, "rows"},
                      Mode{"token_rows_tied", true, false, false, true, 0.1, "rows"}),
    [](const auto& p) { return std::string(p.param.name); });

TEST_P(DecoderGradient, EveryParameterAlongARandomDirection) {
  const Mode m = GetParam();
  const TinyWeights w({.tied = m.tied, .bias = m.bias});
  TinyDecoder tiny(w, options(m.full, m.lora, m.dropout, m.ends));
  tiny.perturb();
  const TinyBatch b({4, 7, 1, 9});
  const std::uint64_t key = m.dropout > 0 ? 321 : 0;
  const double scale = 1.0 / static_cast<double>(b.labels);
  tiny.decoder.parameters().zero_grad();
  tiny.run(b.view(key), true, scale);
  check_parameters([&] { return scale * tiny.run(b.view(key), false); }, tiny.decoder.parameters());
}

TEST_P(DecoderGradient, CheckpointingGivesTheSameBits) {
  const Mode m = GetParam();
  const TinyWeights w({.tied = m.tied, .bias = m.bias});
  const TinyBatch b({4, 7, 1, 9});
  std::vector<double> results[2];
  for (const bool checkpointing : {false, true}) {
    auto o = options(m.full, m.lora, m.dropout, m.ends);
    o.compute = DType::f32;
    o.gradient_checkpointing = checkpointing;
    TinyDecoder tiny(w, o);
    tiny.perturb();
    std::vector<double>& r = results[checkpointing ? 1 : 0];
    const double loss = tiny.run(b.view(m.dropout > 0 ? 321 : 0), true);
    r = tiny.gradients();
    r.push_back(loss);
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST_P(DecoderGradient, TwiceGivesTheSameBits) {
  const Mode m = GetParam();
  const TinyWeights w({.tied = m.tied, .bias = m.bias});
  const TinyBatch b({4, 7, 70, 9});
  auto o = options(m.full, m.lora, m.dropout, m.ends);
  o.compute = DType::bf16;
  TinyDecoder tiny(w, o);
  tiny.perturb();
  const double loss = tiny.run(b.view(5), true);
  const std::vector<double> first = tiny.gradients();
  tiny.decoder.parameters().zero_grad();
  EXPECT_EQ(tiny.run(b.view(5), true), loss);
  EXPECT_EQ(tiny.gradients(), first);
}

}  // namespace
}  // namespace axl::test
