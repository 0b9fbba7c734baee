#include "family/read.hpp"

namespace axl::family {
namespace {

ModelShape read(const weights::ModelConfig& c) {
  const RawFields raw(c);
  LayerShape layer{.norm = {.eps = raw.in().real_or("rms_norm_eps", 1e-5, 1e-30, 1.0)},
                   .attention = attention_of(c),
                   .mlp = {.act = raw.activation("hidden_act", "silu"),
                           .inner = c.intermediate_size,
                           .fused = true}};
  layer.attention.layout = QkvLayout::blocks;
  layer.attention.window = raw.in().integer_or("sliding_window", 0, 1, kMaxWindow);
  ModelShape shape = uniform(c, layer);
  const RopeShape& rope = shape.ropes.front();
  if (rope.scaling.type == "longrope")
    for (const auto* list : {&rope.scaling.short_factor, &rope.scaling.long_factor})
      if (2 * std::ssize(*list) != rope.rotated)
        raw.in().refuse(list == &rope.scaling.short_factor ? "short_factor" : "long_factor",
                        "must have " + std::to_string(rope.rotated / 2) + " numbers, has " +
                            std::to_string(list->size()));
  return shape;
}

}  // namespace

/// Abdin et al. 2024, arXiv:2404.14219; also Phi-3.5 and Phi-4-mini.
FamilySpec phi3_spec() {
  ModuleNames names = llama_names();
  names.q = names.k = names.v = names.gate = names.up = {};
  names.qkv = "model.layers.{i}.self_attn.qkv_proj";
  names.gate_up = "model.layers.{i}.mlp.gate_up_proj";
  return {.name = "phi3",
          .hf_architectures = {"Phi3ForCausalLM"},
          .model_types = {"phi3"},
          .modules = names,
          .read = &read};
}

}  // namespace axl::family
