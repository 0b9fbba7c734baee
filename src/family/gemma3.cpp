#include "family/gemma.hpp"

namespace axl::family {
namespace {

/// One kind of layer's rotary positions: rope_parameters has a set for each kind; the older style
/// has a base for layers with a window, and scaling for those without.
RopeShape rope_for(const weights::ModelConfig& c, const RawFields& raw, bool sliding) {
  RopeShape rope{.scaling = c.rope, .rotated = c.head_dim};
  rope.scaling.theta = sliding ? raw.in().real_or("rope_local_base_freq", 10000.0, 1e-3, 1e15)
                               : raw.in().real_or("rope_theta", 1000000.0, 1e-3, 1e15);
  if (sliding) rope.scaling.type = "default";
  const char* kind = sliding ? "sliding_attention" : "full_attention";
  if (!raw.in().has("rope_parameters")) return rope;
  const weights::ConfigFields kinds = raw.in().object("rope_parameters");
  if (kinds.has(kind)) {
    const weights::ConfigFields of_kind = kinds.object(kind);
    weights::read_rope_fields(of_kind, raw.in(), c.max_position_embeddings, true, rope.scaling);
  }
  return rope;
}

ModelShape read(const weights::ModelConfig& c) {
  const RawFields raw(c);
  const std::int64_t pattern = raw.in().integer_or(
      "sliding_window_pattern", raw.in().integer_or("_sliding_window_pattern", 6, 1, 1 << 20), 1,
      1 << 20);
  std::vector<bool> sliding = raw.sliding(c.num_hidden_layers, [](std::int64_t) { return true; });
  if (!raw.in().has("layer_types"))
    for (std::size_t i = 0; i < sliding.size(); ++i)
      sliding[i] = (static_cast<std::int64_t>(i) + 1) % pattern != 0;
  ModelShape shape = read_gemma(c, raw, sliding);
  shape.ropes = {rope_for(c, raw, true), rope_for(c, raw, false)};
  for (std::size_t i = 0; i < shape.layers.size(); ++i) {
    shape.layers[i].attention.qk_norm = true;
    shape.layers[i].attention.rope = sliding[i] ? 0 : 1;
    shape.layers[i].attention.softcap = raw.in().real_or("attn_logit_softcapping", 0.0, 1e-6, 1e9);
  }
  shape.logit_softcap = raw.in().real_or("final_logit_softcapping", 0.0, 1e-6, 1e9);
  return shape;
}

}  // namespace

/// Gemma team 2025, arXiv:2503.19786; the text models.
FamilySpec gemma3_spec() {
  ModuleNames names = gemma_names();
  names.q_norm = "model.layers.{i}.self_attn.q_norm";
  names.k_norm = "model.layers.{i}.self_attn.k_norm";
  return {.name = "gemma3",
          .hf_architectures = {"Gemma3ForCausalLM"},
          .model_types = {"gemma3_text"},
          .modules = names,
          .read = &read};
}

}  // namespace axl::family
