#include <fmt/format.h>

#include "config/given.hpp"
#include "core/error.hpp"
#include "core/parameter_pattern.hpp"

// Rules about adapters and a quantised base.
namespace axl::config {
namespace {

bool is_lora(const Given& g) { return g.is("adapter", "lora") || g.is("adapter", "qlora"); }

void quantised_base(const Given& g) {
  for (const char* key : {"load_in_4bit", "load_in_8bit"})
    if (g.on(key) && !g.has("adapter"))
      g.error(key, "needs an adapter: a quantised base is frozen",
              "add adapter: qlora, or set it to false for a full fine-tune");
  if (g.is("adapter", "qlora")) {
    if (g.on("load_in_8bit"))
      g.error("load_in_8bit", "cannot be given together with adapter: qlora",
              "qlora has a 4-bit base: load_in_4bit: true");
    else if (g.on("gptq"))
      g.error("gptq", "cannot be given together with adapter: qlora", "use adapter: lora");
    else if (!g.on("load_in_4bit"))
      g.error("adapter", "'qlora' needs load_in_4bit: true",
              "adapter: lora has an unquantised base");
  }
  if (g.is("adapter", "lora") && g.on("load_in_4bit"))
    g.warning("load_in_4bit", "the base is brought into 4 bits, as with adapter: qlora");
  if (g.has("bnb_config_kwargs") && !g.on("load_in_4bit"))
    g.warning("bnb_config_kwargs", "has no effect without load_in_4bit: true");
  for (const char* key : {"load_in_4bit", "load_in_8bit"}) {
    g.exclusive("model_quantization_config", key);
    g.exclusive("qat", key);
  }
  g.exclusive("qat", "peft");
  g.exclusive("gptq", "model_revision");
  if (g.on("quantize_moe_experts")) {
    g.exclusive("quantize_moe_experts", "lora_target_linear",
                "name the layers in lora_target_modules");
    if (!is_lora(g)) g.error("quantize_moe_experts", "needs adapter: lora or qlora");
    if (!g.on("load_in_4bit") && !g.on("load_in_8bit"))
      g.error("quantize_moe_experts", "needs load_in_4bit or load_in_8bit");
  }
}

template <class Expression>
void expressions(const Given& g, const char* key, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) try {
      Expression probe(text);
    } catch (const Error& e) {
      g.error(key, e.message());
    }
}

void needs_targets(const Given& g) {
  const Config& c = g.config();
  if (c.lora_target_modules.empty() && !c.lora_target_linear && !g.has("lora_target_modules") &&
      !g.has("lora_target_parameters"))
    g.error("lora_target_linear",
            fmt::format("adapter: {} needs lora_target_linear or lora_target_modules", c.adapter),
            "lora_target_linear: true adapts every linear layer");
}

/// Keys of LoRA that other methods have nothing for.
void other_methods(const Given& g) {
  const std::string& method = g.config().adapter;
  const bool ia3 = method == "ia3", vera = method == "vera";
  if (!ia3 && g.on("ia3_feedforward_modules"))
    g.error("ia3_feedforward_modules", "needs adapter: ia3");
  for (const char* key : {"vera_d_initial", "vera_projection_prng_key", "vera_save_projection"})
    if (!vera && g.has(key)) g.error(key, "needs adapter: vera");
  if (!ia3 && !vera) return;
  for (const char* key :
       {"peft_use_dora", "peft_use_rslora", "loraplus_lr_ratio", "lora_rank_pattern",
        "lora_alpha_pattern", "peft_trainable_token_indices"})
    if (g.on(key)) g.error(key, "needs adapter: lora or qlora", "leave it out");
  if (ia3 && g.on("peft_layers_to_transform"))
    g.error("peft_layers_to_transform", "cannot be given together with adapter: ia3",
            "name the modules of the layers in lora_target_modules");
  for (const char* key : {"lora_r", "lora_dropout", "lora_alpha"})
    if (g.on(key) && (ia3 || std::string_view(key) == "lora_alpha"))
      g.warning(key, fmt::format("has no effect with adapter: {}", method));
  if (vera && g.config().lora_model_dir.empty()) {
    if (!g.has("lora_r")) g.error("lora_r", "is required with adapter: vera", "typical: 256");
    needs_targets(g);
  }
}

void lora(const Given& g) {
  const Config& c = g.config();
  expressions<ParameterPattern>(g, "unfrozen_parameters", c.unfrozen_parameters);
  if (c.adapter.empty()) {
    for (const char* key :
         {"lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "lora_target_linear",
          "lora_modules_to_save", "loraplus_lr_ratio", "peft_use_rslora", "peft_use_dora",
          "peft_trainable_token_indices", "peft_layers_to_transform"})
      if (g.on(key)) g.warning(key, "has no effect without adapter: lora");
    if (!c.lora_model_dir.empty())
      g.error("lora_model_dir", "needs adapter: lora", "add adapter: lora, or leave it out");
    return;
  }
  if (c.lora_model_dir.empty() && is_lora(g)) {  // otherwise adapter_config.json tells
    // Axolotl takes a file without them, and PEFT then fails on a rank or alpha of None.
    const std::string with = "is required with adapter: " + c.adapter;
    if (!g.has("lora_r")) g.error("lora_r", with, "typical: 8, 16, 32");
    if (!g.has("lora_alpha")) g.error("lora_alpha", with, "typical: lora_r or twice lora_r");
    needs_targets(g);
  }
  if (!c.unfrozen_parameters.empty() && !c.peft_layers_to_transform.empty())
    g.error("unfrozen_parameters", "cannot be given together with peft_layers_to_transform",
            "keep one of the two");
  else if (!c.unfrozen_parameters.empty())
    g.unsupported("unfrozen_parameters",
                  "training named parameters beside an adapter is not supported yet",
                  "use lora_modules_to_save, or leave adapter out");
  if (g.on("lora_target_parameters") && c.lora_dropout != 0.0)
    g.error("lora_target_parameters", "needs lora_dropout: 0");
  if (c.lora_target_is_regex && c.lora_target_linear)
    g.warning("lora_target_modules",
              "an expression has no effect beside lora_target_linear: true, which adapts every "
              "linear layer");
  if (!c.lora_target_is_regex)
    expressions<Pattern>(g, "lora_target_modules", c.lora_target_modules);
  for (const auto& [pattern, rank] : c.lora_rank_pattern)
    expressions<Pattern>(g, "lora_rank_pattern", {pattern});
  for (const auto& [pattern, alpha] : c.lora_alpha_pattern)
    expressions<Pattern>(g, "lora_alpha_pattern", {pattern});
  if (is_lora(g)) {
    g.exclusive("adapter", "flash_attn_fuse_mlp", "leave it out: it has no effect");
    g.exclusive("adapter", "use_onebitllms");
  }
}

}  // namespace

/// Pairs of layers: [[0, 4], [2, 5]].
void layer_replication(const Given& g) {
  const Node* node = g.find("peft_layer_replication");
  if (!node) return;
  bool good = node->kind == Node::Kind::sequence;
  for (const Node& pair : node->items)
    good = good && pair.items.size() == 2 && as_integer(pair.items[0]) && as_integer(pair.items[1]);
  if (!good)
    g.error("peft_layer_replication",
            fmt::format("must be a list of pairs of integers; got {}", found(*node)));
}

void adapter_rules(const Given& g) {
  layer_replication(g);
  quantised_base(g);
  lora(g);
  other_methods(g);
  g.needs("peft_layers_pattern", "peft_layers_to_transform");
  for (const char* key : {"lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel"}) {
    if (!g.on(key)) continue;
    if (g.is("adapter", "lora") && g.on("load_in_8bit"))
      g.error(key, "cannot be given together with load_in_8bit", "leave it out: it has no effect");
    else if (g.on("trust_remote_code"))
      g.error(key, "cannot be given together with trust_remote_code",
              "leave trust_remote_code out: no such code is run");
  }
  if (g.on("nvfp4_merge_aware") && !g.is("adapter", "lora"))
    g.error("nvfp4_merge_aware", "needs adapter: lora");
  if (g.on("ple_cpu_offload") && !(g.is("adapter", "qlora") && g.on("load_in_4bit")) &&
      !(g.is("adapter", "lora") && g.on("load_in_8bit")))
    g.error("ple_cpu_offload", "needs qlora with load_in_4bit, or lora with load_in_8bit");
  g.exclusive("lr_groups", "loraplus_lr_ratio");
  if (g.on("unfrozen_parameters") && g.inner_on("gradient_checkpointing_kwargs", "use_reentrant"))
    g.error("unfrozen_parameters",
            "cannot be given together with gradient_checkpointing_kwargs.use_reentrant: true",
            "set use_reentrant: false");
  if (g.on("relora")) {
    g.needs("relora", "jagged_restart_steps");
    if (!is_lora(g)) g.error("relora", "needs adapter: lora or qlora");
    for (const char* key : {"fsdp", "fsdp_config", "deepspeed", "flash_attn_fuse_mlp"})
      g.exclusive("relora", key);
    if (g.is("lr_scheduler", "one_cycle"))
      g.error("relora", "cannot be given together with lr_scheduler: one_cycle");
  }
}

}  // namespace axl::config
