#include "family/read.hpp"

namespace axl::family {
namespace {

ModelShape read(const weights::ModelConfig& c) {
  const RawFields raw(c);
  LayerShape layer{.norm = {.eps = c.rms_norm_eps},
                   .attention = attention_of(c),
                   .mlp = {.act = raw.activation("hidden_act", c.hidden_act),
                           .inner = c.intermediate_size,
                           .biased = c.mlp_bias}};
  layer.attention.qkv_bias = layer.attention.out_bias = c.attention_bias;
  if (c.rope.partial_rotary_factor != 1.0)
    throw Error(ErrorCode::unsupported, c.origin + ": llama rotates whole heads");
  return uniform(c, layer);
}

}  // namespace

/// Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; also Llama 3, SmolLM2, TinyLlama, Yi, ...
FamilySpec llama_spec() {
  return {.name = "llama",
          .hf_architectures = {"LlamaForCausalLM"},
          .model_types = {"llama"},
          .modules = llama_names(),
          .read = &read};
}

}  // namespace axl::family
