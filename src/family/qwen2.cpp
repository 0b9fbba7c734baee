#include "family/qwen.hpp"

namespace axl::family {
namespace {

ModelShape read(const weights::ModelConfig& c) {
  const RawFields raw(c);
  LayerShape layer{
      .norm = {.eps = c.rms_norm_eps},
      .attention = attention_of(c),
      .mlp = {.act = raw.activation("hidden_act", "silu"), .inner = c.intermediate_size}};
  layer.attention.qkv_bias = true;
  return with_qwen_windows(c, raw, uniform(c, layer));
}

}  // namespace

ModelShape with_qwen_windows(const weights::ModelConfig& c, const RawFields& raw,
                             ModelShape shape) {
  if (!raw.in().boolean_or("use_sliding_window", false)) return shape;
  const std::int64_t window = raw.in().given("sliding_window")
                                  ? raw.in().integer_or("sliding_window", 0, 1, kMaxWindow)
                                  : 4096;
  const std::int64_t full = raw.in().integer_or("max_window_layers", 28, 0, 1 << 20);
  const std::vector<bool> kinds =
      raw.sliding(c.num_hidden_layers, [](std::int64_t) { return false; });
  const bool listed = raw.in().has("layer_types");
  for (std::size_t i = 0; i < shape.layers.size(); ++i)
    if (listed ? kinds[i] : static_cast<std::int64_t>(i) >= full)
      shape.layers[i].attention.window = window;
  return shape;
}

/// Qwen team 2024, arXiv:2407.10671; also Qwen 2.5.
FamilySpec qwen2_spec() {
  return {.name = "qwen2",
          .hf_architectures = {"Qwen2ForCausalLM"},
          .model_types = {"qwen2"},
          .modules = llama_names(),
          .read = &read};
}

}  // namespace axl::family
