// What a decoder refuses to be built of, each with its message.
#include "unit/model/tiny_model.hpp"

namespace axl::test {
namespace {

model::DecoderOptions full(DType compute = DType::f64) {
  return {.compute = compute, .training = {.full = true}};
}

void expect_refused(const TinyWeights& w, ErrorCode code, const std::string& message,
                    const model::DecoderOptions& options = full()) {
  std::vector<device::Buffer> memory;
  const kernels::KernelTable table = kernels::make_kernel_table();
  try {
    const model::Decoder d(w.config, *w.file, options, table, session().queue(),
                           model::private_weight_memory(memory));
    ADD_FAILURE() << "no error, expected: " << message;
  } catch (const Error& e) {
    EXPECT_EQ(e.message(), message);
    EXPECT_EQ(e.code(), code);
  }
  EXPECT_TRUE(memory.empty()) << "nothing is allocated before everything is checked";
}

TEST(DecoderRefuses, TensorsOfAnotherShape) {
  TinyWeights w({});
  w.config.vocab_size = 40;
  expect_refused(
      w, ErrorCode::input,
      "tiny/config.json: tensor 'model.embed_tokens.weight' is (37, 16), the config asks "
      "for (40, 16)");
}

TEST(DecoderRefuses, AWrongIntermediateSize) {
  TinyWeights w({});
  w.config.intermediate_size = 25;
  expect_refused(w, ErrorCode::input,
                 "tiny/config.json: tensor 'model.layers.0.mlp.gate_proj.weight' is (24, 16), the "
                 "config asks for (25, 16)");
}

TEST(DecoderRefuses, AWrongNumberOfKeyHeads) {
  TinyWeights w({});
  w.config.num_key_value_heads = 1;
  expect_refused(
      w, ErrorCode::input,
      "tiny/config.json: tensor 'model.layers.0.self_attn.k_proj.weight' is (8, 16), the "
      "config asks for (4, 16)");
}

TEST(DecoderRefuses, MissingLayers) {
  TinyWeights w({});
  w.config.num_hidden_layers = 3;
  std::vector<device::Buffer> memory;
  const kernels::KernelTable table = kernels::make_kernel_table();
  try {
    const model::Decoder d(w.config, *w.file, full(), table, session().queue(),
                           model::private_weight_memory(memory));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::input);
    EXPECT_NE(e.message().find("model.layers.2.input_layernorm.weight"), std::string::npos)
        << e.message();
  }
  EXPECT_TRUE(memory.empty());
}

TEST(DecoderRefuses, OtherFamiliesActivationsAndHeads) {
  TinyWeights w({});
  w.config.architecture = "MambaForCausalLM";
  expect_refused(w, ErrorCode::unsupported,
                 "tiny/config.json: unsupported model family: architecture 'MambaForCausalLM'");
  w.config = tiny_config({});
  w.config.hidden_act = "mish";
  expect_refused(w, ErrorCode::unsupported,
                 "tiny/config.json: hidden_act is 'mish', which is not supported");
  w.config = tiny_config({});
  w.config.num_key_value_heads = 3;
  expect_refused(w, ErrorCode::input,
                 "tiny/config.json: num_attention_heads (4) must be a multiple of "
                 "num_key_value_heads (3)");
}

TEST(DecoderRefuses, AdaptersThatMatchNothing) {
  const TinyWeights w({});
  auto lora = tiny_lora();
  lora.target_modules.names = {"c_attn"};
  expect_refused(w, ErrorCode::config, "lora_target_modules match no linear layer of this model",
                 {.training = {.lora = lora}});
}

TEST(DecoderRefuses, NamesThatMatchNothingWhileOthersMatch) {
  const TinyWeights w({});
  const auto refused = [&](const std::string& message, const auto& change) {
    auto lora = tiny_lora();
    change(lora);
    expect_refused(w, ErrorCode::config, message, {.training = {.lora = lora}});
  };
  refused("lora_target_modules: 'gate_porj' matches no module of this model", [](auto& lora) {
    lora.target_modules.names = {"q_proj", "gate_porj"};
  });
  refused("lora_target_modules: 'query_key_value' matches no module of this model", [](auto& lora) {
    lora.target_modules.names = {"q_proj", "query_key_value"};
  });
  refused("lora_target_modules: 'input_layernorm' matches no module of this model", [](auto& lora) {
    lora.target_modules.names = {"q_proj", "input_layernorm"};
  });
  refused("lora_modules_to_save: 'lmhead' matches no module of this model",
          [](auto& lora) { lora.modules_to_save = {"lmhead"}; });
  refused("lora_rank_pattern: 'q_porj' matches no module that has an adapter", [](auto& lora) {
    lora.rank_pattern = {{"q_porj", 2}};
  });
  refused("lora_alpha_pattern: 'layers.9.*' matches no module that has an adapter", [](auto& lora) {
    lora.alpha_pattern = {{"layers.9.*", 2}};
  });
  refused("peft_layers_to_transform: there is no layer 40", [](auto& lora) {
    lora.layers_to_transform = {0, 40};
  });
  model::DecoderOptions some{.training = {.full = true}};
  some.training.unfrozen_parameters.emplace_back("model.norm.weight");
  some.training.unfrozen_parameters.emplace_back("^model.embed_token.weight$[:5]");
  expect_refused(w, ErrorCode::config,
                 "unfrozen_parameters: '^model.embed_token.weight$[:5]' matches no parameter of "
                 "this model",
                 some);
}

TEST(DecoderRefuses, DoraOnTheEnds) {
  const TinyWeights w({});
  for (const std::string module : {"lm_head", "model.embed_tokens"}) {
    auto lora = tiny_lora();
    lora.use_dora = true;
    lora.target_modules.names = {"q_proj", module};
    expect_refused(w, ErrorCode::unsupported,
                   "peft_use_dora: DoRA on '" + module + "' is not supported",
                   {.training = {.lora = lora}});
  }
}

TEST(DecoderRefuses, TokenRowsThatAreNotThereOrTrainedAlready) {
  const TinyWeights w({});
  auto lora = tiny_lora();
  lora.trainable_tokens = {3, 37};
  const std::string key = "peft_trainable_token_indices: ";
  expect_refused(w, ErrorCode::config, key + "token 37 is not in the vocabulary of 37",
                 {.training = {.lora = lora}});
  lora.trainable_tokens = {3};
  lora.modules_to_save = {"embed_tokens"};
  expect_refused(w, ErrorCode::config,
                 key +
                     "'model.embed_tokens' is trained already, by lora_modules_to_save or "
                     "lora_target_modules",
                 {.training = {.lora = lora}});
}

TEST(DecoderRefuses, RowsBeyondTheParameter) {
  const TinyWeights w({});
  auto options = full();
  options.training.unfrozen_parameters.emplace_back("model.embed_tokens.weight[:9999]");
  expect_refused(w, ErrorCode::input,
                 "'model.embed_tokens.weight[:9999]' leads beyond the " +
                     std::to_string(w.config.vocab_size) + " rows of a parameter",
                 options);
}

}  // namespace
}  // namespace axl::test
