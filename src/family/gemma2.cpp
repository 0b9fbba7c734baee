#include <cmath>

#include "family/gemma.hpp"

namespace axl::family {
namespace {

ModelShape read(const weights::ModelConfig& c) {
  const RawFields raw(c);
  ModelShape shape = read_gemma(
      c, raw, raw.sliding(c.num_hidden_layers, [](std::int64_t layer) { return layer % 2 == 0; }));
  // null means no cap, a missing field the published value.
  const auto cap = [&](const char* key, double absent) {
    return raw.in().given(key) ? raw.in().real_or(key, 0.0, 1e-6, 1e9) : absent;
  };
  for (LayerShape& layer : shape.layers)
    layer.attention.softcap = cap("attn_logit_softcapping", 50.0);
  shape.logit_softcap = cap("final_logit_softcapping", 30.0);
  return shape;
}

}  // namespace

ModelShape read_gemma(const weights::ModelConfig& c, const RawFields& raw,
                      const std::vector<bool>& sliding) {
  if (raw.in().boolean_or("use_bidirectional_attention", false))
    throw Error(ErrorCode::unsupported,
                c.origin + ": use_bidirectional_attention: only causal attention is supported");
  LayerShape layer{.residual = Residual::sandwich,
                   .norm = {.kind = NormKind::rms_plus_one, .eps = c.rms_norm_eps},
                   .attention = attention_of(c),
                   .mlp = {.act = raw.activation("hidden_activation", "gelu_pytorch_tanh"),
                           .inner = c.intermediate_size}};
  layer.attention.qkv_bias = layer.attention.out_bias = c.attention_bias;
  layer.attention.scale =
      1.0 / std::sqrt(raw.in().real_or("query_pre_attn_scalar", 256.0, 1e-6, 1e9));
  ModelShape shape = uniform(c, layer);
  const std::int64_t window = raw.in().integer_or("sliding_window", 4096, 1, kMaxWindow);
  for (std::size_t i = 0; i < shape.layers.size(); ++i)
    if (sliding[i]) shape.layers[i].attention.window = window;
  shape.embedding_scale = std::sqrt(static_cast<double>(c.hidden_size));
  return shape;
}

ModuleNames gemma_names() {
  ModuleNames names = llama_names();
  names.attention_out_norm = "model.layers.{i}.post_attention_layernorm";
  names.post_norm = "model.layers.{i}.pre_feedforward_layernorm";
  names.mlp_out_norm = "model.layers.{i}.post_feedforward_layernorm";
  return names;
}

/// Gemma team 2024, arXiv:2408.00118.
FamilySpec gemma2_spec() {
  return {.name = "gemma2",
          .hf_architectures = {"Gemma2ForCausalLM"},
          .model_types = {"gemma2"},
          .modules = gemma_names(),
          .read = &read};
}

}  // namespace axl::family
