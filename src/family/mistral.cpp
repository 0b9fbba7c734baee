#include "family/read.hpp"

namespace axl::family {
namespace {

ModelShape read(const weights::ModelConfig& c) {
  const RawFields raw(c);
  LayerShape layer{
      .norm = {.eps = c.rms_norm_eps},
      .attention = attention_of(c),
      .mlp = {.act = raw.activation("hidden_act", "silu"), .inner = c.intermediate_size}};
  // transformers means 4096 where the field is missing, and no window where it is null.
  layer.attention.window = raw.in().given("sliding_window")
                               ? raw.in().integer_or("sliding_window", 0, 1, kMaxWindow)
                               : 4096;
  return uniform(c, layer);
}

}  // namespace

/// Jiang et al. 2023, arXiv:2310.06825.
FamilySpec mistral_spec() {
  return {.name = "mistral",
          .hf_architectures = {"MistralForCausalLM"},
          .model_types = {"mistral"},
          .modules = llama_names(),
          .read = &read};
}

}  // namespace axl::family
