#include "family/read.hpp"

namespace axl::family {
namespace {

ModelShape read(const weights::ModelConfig& c) {
  const RawFields raw(c);
  for (const char* key : {"add_cross_attention", "reorder_and_upcast_attn"})
    if (raw.in().boolean_or(key, false))
      throw Error(ErrorCode::unsupported, c.origin + ": " + key + " is not supported");
  LayerShape layer{
      .norm = {.kind = NormKind::layer,
               .eps = raw.in().real_or("layer_norm_epsilon", 1e-5, 1e-30, 1.0)},
      .attention = attention_of(c),
      .mlp = {.act = raw.activation("activation_function", "gelu_new"),
              .inner = c.intermediate_size > 0 ? c.intermediate_size : 4 * c.hidden_size,
              .gated = false,
              .biased = true}};
  layer.attention.layout = QkvLayout::blocks;
  layer.attention.qkv_bias = layer.attention.out_bias = true;
  layer.attention.rope = -1;
  if (!raw.in().boolean_or("scale_attn_weights", true)) layer.attention.scale = 1.0;
  ModelShape shape = uniform(c, layer);
  shape.ropes.clear();
  shape.learned_positions = c.max_position_embeddings;
  if (raw.in().boolean_or("scale_attn_by_inverse_layer_idx", false))
    for (std::size_t i = 0; i < shape.layers.size(); ++i)
      shape.layers[i].attention.scale /= static_cast<double>(i + 1);
  return shape;
}

}  // namespace

/// Radford et al. 2019, "Language models are unsupervised multitask learners".
FamilySpec gpt2_spec() {
  return {.name = "gpt2",
          .hf_architectures = {"GPT2LMHeadModel"},
          .model_types = {"gpt2"},
          .modules = {.embed = "transformer.wte",
                      .positions = "transformer.wpe",
                      .final_norm = "transformer.ln_f",
                      .lm_head = "lm_head",
                      .input_norm = "transformer.h.{i}.ln_1",
                      .qkv = "transformer.h.{i}.attn.c_attn",
                      .o = "transformer.h.{i}.attn.c_proj",
                      .post_norm = "transformer.h.{i}.ln_2",
                      .up = "transformer.h.{i}.mlp.c_fc",
                      .down = "transformer.h.{i}.mlp.c_proj"},
          .conv1d = true,
          .read = &read};
}

}  // namespace axl::family
