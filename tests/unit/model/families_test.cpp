// Every family, trained whole and with adapters: gradients in double, checkpointing, plan, bf16.
#include "family/family.hpp"
#include "model/plan_step.hpp"
#include "unit/model/tiny_family.hpp"

namespace axl::test {
namespace {

class Families : public ::testing::TestWithParam<std::tuple<FamilyCase, bool>> {
 protected:
  TinyFamily family{std::get<0>(GetParam())};
  bool lora = std::get<1>(GetParam());
  TinyBatch batch{{4, 7, 1, 9}};

  model::DecoderOptions options(DType compute) const {
    model::DecoderOptions o;
    o.compute = compute;
    o.training.full = !lora;
    if (!lora) return o;
    o.training.lora = tiny_lora(0.25);
    o.training.lora->target_modules = {.expression = "all-linear"};
    return o;
  }
  /// A decoder with random values on top of what it starts from.
  struct Model {
    Bench bench{64 << 20};
    std::vector<device::Buffer> memory;
    model::Decoder decoder;
    Model(const TinyFamily& family, const model::DecoderOptions& options)
        : decoder(family.config, *family.file, options, bench.kernels, session().queue(),
                  model::private_weight_memory(memory)) {
      decoder.reserve_positions(64);
      std::uint64_t seed = 500;
      for (tensor::Parameter& p : decoder.parameters().all()) {
        const auto noise = random_doubles(p.elements(), seed++, 0.2);
        for (std::int64_t i = 0; i < p.elements(); ++i) {
          const double x = noise[static_cast<std::size_t>(i)];
          if (p.master.dtype() == DType::f64)
            p.master.as<double>()[i] += x;
          else
            p.master.as<float>()[i] += static_cast<float>(x);
        }
      }
    }
    double run(const model::Batch& b, bool backward, double scale = 1.0) {
      ops::Context ctx = bench.context();
      decoder.refresh_values(ctx);
      const device::ArenaScope scope(bench.arena);
      model::Decoder::Saved saved;
      const tensor::TensorView hidden = decoder.forward(ctx, b, saved);
      if (!backward) return model::CausalLmLoss::evaluate(ctx, decoder, b, hidden);
      const tensor::TensorView d = tensor::allocate(bench.arena, decoder.compute(),
                                                    {b.tokens(), decoder.config().hidden_size});
      const double loss = model::CausalLmLoss::forward_backward(ctx, decoder, b, hidden, d, scale);
      decoder.backward(ctx, b, saved, d, {});
      return loss;
    }
    std::vector<float> gradients() {
      std::vector<float> out;
      for (const tensor::Parameter& p : decoder.parameters().all())
        out.insert(out.end(), p.grad.as<float>(), p.grad.as<float>() + p.elements());
      return out;
    }
  };
};

INSTANTIATE_TEST_SUITE_P(Every, Families,
                         ::testing::Combine(::testing::ValuesIn(family_cases()), ::testing::Bool()),
                         [](const auto& p) {
                           return std::string(std::get<0>(p.param).name) +
                                  (std::get<1>(p.param) ? "_lora" : "_full");
                         });

TEST_P(Families, GradientsAlongARandomDirectionOfEveryParameter) {
  Model m(family, options(DType::f64));
  const double scale = 1.0 / static_cast<double>(batch.labels);
  m.decoder.parameters().zero_grad();
  m.run(batch.view(321), true, scale);
  check_parameters([&] { return scale * m.run(batch.view(321), false); }, m.decoder.parameters());
}

TEST_P(Families, CheckpointingGivesTheSameBits) {
  std::vector<float> results[2];
  for (const bool checkpointing : {false, true}) {
    model::DecoderOptions o = options(DType::f32);
    o.gradient_checkpointing = checkpointing;
    Model m(family, o);
    m.run(batch.view(321), true);
    results[checkpointing ? 1 : 0] = m.gradients();
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST_P(Families, ThePlanIsTheStepToTheByte) {
  for (const bool checkpointing : {false, true})
    for (const auto& [compute, stored] : {std::pair{DType::f32, DType::f32},
                                          {DType::bf16, DType::bf16},
                                          {DType::f32, DType::bf16}}) {
      model::DecoderOptions o = options(compute);
      o.stored = stored;
      o.gradient_checkpointing = checkpointing;
      Model m(family, o);
      const std::int64_t plan =
          model::plan_step(m.decoder, batch.view().tokens(), batch.labels, true).bytes;
      device::Arena arena(plan);
      ops::Context ctx{m.bench.kernels, session().queue(), arena};
      m.decoder.refresh_values(ctx);
      model::Decoder::Saved saved;
      const tensor::TensorView hidden = m.decoder.forward(ctx, batch.view(9), saved);
      const tensor::TensorView d =
          tensor::allocate(arena, compute, {batch.view().tokens(), m.decoder.config().hidden_size});
      model::CausalLmLoss::forward_backward(ctx, m.decoder, batch.view(9), hidden, d, 1.0);
      m.decoder.backward(ctx, batch.view(9), saved, d, {});
      EXPECT_EQ(arena.peak(), plan) << "checkpointing " << checkpointing;
    }
}

TEST_P(Families, Bf16IsNearF32) {
  Model exact(family, options(DType::f32)), narrow(family, options(DType::bf16));
  const double a = exact.run(batch.view(), false), b = narrow.run(batch.view(), false);
  EXPECT_NEAR(a, b, 0.03 * std::abs(a));
}

TEST(Families, RefuseWhatTheBlocksCannotDo) {
  const auto expect = [](const char* config, const std::string& what) {
    const TemporaryFolder folder;
    const std::string path =
        folder.write("config.json", R"({"vocab_size": 37, "hidden_size": 16, "num_hidden_layers": 2,
          "num_attention_heads": 4, "intermediate_size": 8, )" +
                                        std::string(config) + "}");
    try {
      family::shape_of(weights::read_model_config(path));
      ADD_FAILURE() << config;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
    }
  };
  expect(R"("architectures": ["MistralForCausalLM"], "model_type": "llama")",
         "does not belong to architecture 'MistralForCausalLM'");
  expect(R"("architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text",
            "use_bidirectional_attention": true)",
         "use_bidirectional_attention");
  expect(R"("architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "use_sliding_window":
            true, "layer_types": ["full_attention"])",
         "layer_types");
  expect(R"("architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2",
            "layer_types": ["full_attention", "chunked_attention"])",
         "chunked_attention");
  expect(R"("architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "rope_scaling":
            {"type": "longrope", "short_factor": [1.0], "long_factor": [2.0, 3.0]})",
         "short_factor");
  expect(R"("architectures": ["GPTNeoXForCausalLM"], "model_type": "gpt_neox",
            "hidden_act": "mish")",
         "hidden_act is 'mish'");
  expect(R"("architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 16,
            "n_layer": 2, "n_head": 3)",
         "n_head");
}

}  // namespace
}  // namespace axl::test
