#include "family/qwen.hpp"

namespace axl::family {
namespace {

ModelShape read(const weights::ModelConfig& c) {
  const RawFields raw(c);
  LayerShape layer{
      .norm = {.eps = c.rms_norm_eps},
      .attention = attention_of(c),
      .mlp = {.act = raw.activation("hidden_act", "silu"), .inner = c.intermediate_size}};
  layer.attention.qkv_bias = layer.attention.out_bias = c.attention_bias;
  layer.attention.qk_norm = true;
  return with_qwen_windows(c, raw, uniform(c, layer));
}

}  // namespace

/// Qwen team 2025, arXiv:2505.09388.
FamilySpec qwen3_spec() {
  ModuleNames names = llama_names();
  names.q_norm = "model.layers.{i}.self_attn.q_norm";
  names.k_norm = "model.layers.{i}.self_attn.k_norm";
  return {.name = "qwen3",
          .hf_architectures = {"Qwen3ForCausalLM"},
          .model_types = {"qwen3"},
          .modules = names,
          .read = &read};
}

}  // namespace axl::family
