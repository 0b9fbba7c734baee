#include <fmt/format.h>

#include <array>
#include <string>

#include "config/given.hpp"
#include "core/ascii.hpp"

// Rules about precision, memory and PyTorch's kernels. What a kernel switch asks for cannot change
// a result here, but a file that Axolotl refuses is no valid file.
namespace axl::config {
namespace {

void cross_entropy(const Given& g) {
  static constexpr std::array<const char*, 4> kKeys{"cut_cross_entropy", "chunked_cross_entropy",
                                                    "liger_cross_entropy",
                                                    "liger_fused_linear_cross_entropy"};
  const char* first = nullptr;
  for (const char* key : kKeys) {
    if (!g.on(key)) continue;
    if (first) g.exclusive(first, key, "leave both out: the loss is always the fused one");
    if (!first) first = key;
  }
  if (g.on("cut_cross_entropy") && !g.on("bf16") && !g.on("fp16"))
    g.error("cut_cross_entropy", "needs bf16 or fp16", "leave it out: the loss is always fused");
  bool plugin = false;  // Axolotl's plug-in is on unless its key says otherwise
  if (const Node* plugins = g.find("plugins"))
    for (const Node& item : plugins->items)
      plugin = plugin || item.text.find("CutCrossEntropyPlugin") != std::string::npos;
  if (plugin && !g.has("cut_cross_entropy") && g.on("chunked_cross_entropy"))
    g.error("chunked_cross_entropy",
            "cannot be given together with the plug-in for cut_cross_entropy",
            "leave both out: the loss is always the fused one");
  g.needs("liger_use_token_scaling", "liger_fused_linear_cross_entropy");
  if (g.on("liger_glu_activation") && g.on("tiled_mlp") && g.is_false("tiled_mlp_use_original_mlp"))
    g.error("tiled_mlp", "cannot be given together with liger_glu_activation",
            "set tiled_mlp_use_original_mlp: true");
}

void checkpointing(const Given& g) {
  const bool on = g.on("gradient_checkpointing");
  if (on && ascii_lower(g.text("base_model")).find("mpt") != std::string::npos)
    g.error("gradient_checkpointing",
            "is refused by Axolotl with a base_model whose name holds 'mpt'",
            "leave it out, or give the model's folder another name");
  for (const char* key : {"activation_offloading", "selective_checkpointing"})
    if (g.on(key) && !on) g.error(key, "needs gradient_checkpointing: true");
  if (!g.on("selective_checkpointing")) return;
  if (g.inner_on("gradient_checkpointing_kwargs", "use_reentrant"))
    g.error("selective_checkpointing", "needs gradient_checkpointing_kwargs.use_reentrant: false");
  if (g.on("activation_offloading") && !g.is("activation_offloading", "hidden_states"))
    g.error("activation_offloading",
            "must be hidden_states or false with selective_checkpointing; got '" +
                g.text("activation_offloading") + "'");
}

void compiler(const Given& g) {
  if (g.has("torch_compile_options") && !g.on("torch_compile"))
    g.error("torch_compile_options", "needs torch_compile", "leave it out: it has no effect");
  g.needs("deepcompile", "deepspeed");
  if (g.is("rl", "ebft") && g.on("torch_compile") && g.on("gradient_checkpointing") &&
      g.inner("ebft", "mode") && g.inner("ebft", "mode")->text == "strided")
    g.error("torch_compile", "cannot be given with gradient_checkpointing and ebft.mode: strided",
            "leave it out: it has no effect");
}

}  // namespace

void kernel_rules(const Given& g) {
  const Config& c = g.config();
  if (g.on("float32") && (g.on("bfloat16") || (g.on("bf16") && c.bf16 == "true")))
    g.error("float32", "contradicts bf16");
  cross_entropy(g);
  checkpointing(g);
  compiler(g);
  if (g.has("fp8_config") && !g.on("fp8"))
    g.error("fp8_config", "needs fp8: true", "leave it out: it has no effect");
  if (g.on("scaling_softmax") && !g.is("attn_implementation", "flex_attention"))
    g.error("scaling_softmax", "needs attn_implementation: flex_attention");
  if (g.on("gemma4_hybrid_attn_impl") && g.has("attn_implementation") &&
      !g.is("attn_implementation", "flash_attention_2"))
    g.error("gemma4_hybrid_attn_impl", "needs attn_implementation: flash_attention_2");
  if (g.on("batch_flattening") && !g.is("batch_flattening", "auto")) {
    const std::string attention = g.text("attn_implementation");
    if (attention.empty() || attention == "eager" || attention == "sdpa" || attention == "fp8")
      g.error("batch_flattening", "needs attn_implementation: flash_attention_2 or flex_attention");
    g.exclusive("sample_packing", "batch_flattening");
  }
  if (g.has("max_memory") && g.has("gpu_memory_limit"))
    g.error("gpu_memory_limit", "cannot be given together with max_memory", "keep one of the two");
  if (g.on("flash_optimum") && (g.on("fp16") || !g.is_false("bf16")))
    g.error("flash_optimum", "cannot be given together with bf16 or fp16",
            "leave it out: it has no effect");
  if (g.on("use_scattermoe")) g.exclusive("use_scattermoe", "use_sonicmoe");
}

}  // namespace axl::config
