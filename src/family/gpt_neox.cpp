#include "family/read.hpp"

namespace axl::family {
namespace {

ModelShape read(const weights::ModelConfig& c) {
  const RawFields raw(c);
  LayerShape layer{.residual = raw.in().boolean_or("use_parallel_residual", true)
                                   ? Residual::parallel
                                   : Residual::sequential,
                   .norm = {.kind = NormKind::layer,
                            .eps = raw.in().real_or("layer_norm_eps", 1e-5, 1e-30, 1.0)},
                   .attention = attention_of(c),
                   .mlp = {.act = raw.activation("hidden_act", "gelu"),
                           .inner = c.intermediate_size,
                           .gated = false,
                           .biased = true}};
  layer.attention.layout = QkvLayout::per_head;
  layer.attention.qkv_bias = layer.attention.out_bias = raw.in().boolean_or("attention_bias", true);
  return uniform(c, layer);
}

}  // namespace

/// Black et al. 2022, arXiv:2204.06745; also Pythia (arXiv:2304.01373).
FamilySpec gpt_neox_spec() {
  return {.name = "gpt_neox",
          .hf_architectures = {"GPTNeoXForCausalLM"},
          .model_types = {"gpt_neox"},
          .modules = {.embed = "gpt_neox.embed_in",
                      .final_norm = "gpt_neox.final_layer_norm",
                      .lm_head = "embed_out",
                      .input_norm = "gpt_neox.layers.{i}.input_layernorm",
                      .qkv = "gpt_neox.layers.{i}.attention.query_key_value",
                      .o = "gpt_neox.layers.{i}.attention.dense",
                      .post_norm = "gpt_neox.layers.{i}.post_attention_layernorm",
                      .up = "gpt_neox.layers.{i}.mlp.dense_h_to_4h",
                      .down = "gpt_neox.layers.{i}.mlp.dense_4h_to_h"},
          .read = &read};
}

}  // namespace axl::family
