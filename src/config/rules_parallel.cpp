#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "config/given.hpp"
#include "core/json.hpp"
#include "core/launch.hpp"

// Rules about ranks: how a layout has to divide them, and what cannot be sharded together.
namespace axl::config {
namespace {

/// Nothing is read from DeepSpeed's file, but a name without a file is a mistake in the YAML all
/// the same: Axolotl stops on it when it sets up training.
void missing_deepspeed_file(const Given& g) {
  const std::string path = g.text("deepspeed");
  // It may also be JSON, or JSON in base64, whose letters hold no dot and no slash.
  if (path.starts_with('{') || path.find_first_of("./") == std::string::npos) return;
  const std::filesystem::path yaml_folder =
      std::filesystem::path(g.at("deepspeed").file).parent_path();
  std::error_code failed;
  if (std::filesystem::exists(path, failed) || std::filesystem::exists(yaml_folder / path, failed))
    return;
  g.warning("deepspeed",
            fmt::format("no such file: '{}'; Axolotl would stop when it sets up training", path),
            "nothing is read from it here: correct the name, or leave the key out");
}

bool is_bnb_8bit(const std::string& optimizer) {
  return optimizer == "adamw_8bit" || optimizer == "adamw_bnb_8bit";
}

void sharding(const Given& g) {
  const bool fsdp = g.on("fsdp") || g.on("fsdp_config");
  const std::int64_t version = g.fsdp_version();
  const std::string optimizer = g.text("optimizer");
  const bool eight_bit = optimizer.find("8bit") != std::string::npos;
  const auto fsdp_on = [&g](const char* name) {
    const Node* node = g.fsdp(name);
    return node && is_on(*node);
  };
  if (g.on("deepspeed") && fsdp)
    g.error("deepspeed", "cannot be given together with fsdp",
            "leave both out: neither has an effect here");
  missing_deepspeed_file(g);
  if (const Node* pin = g.fsdp("cpu_offload_pin_memory"); pin && !as_bool(*pin).value_or(true)) {
    if (version != 2)
      g.error("fsdp_config", "cpu_offload_pin_memory: false needs fsdp_version: 2");
    else if (!fsdp_on("offload_params"))
      g.error("fsdp_config", "cpu_offload_pin_memory: false needs offload_params: true");
  }
  if (const Node* wrap = g.fsdp("auto_wrap_policy");
      wrap && wrap->text == "SIZE_BASED_WRAP" && !fsdp_on("min_num_params"))
    g.error("fsdp_config", "auto_wrap_policy: SIZE_BASED_WRAP needs min_num_params");
  if (g.integer("fsdp_version", 0) == 2 && (g.on("load_in_4bit") || g.on("load_in_8bit")))
    for (const char* method : {"dpo", "kto", "orpo", "ipo"})
      if (g.is("rl", method))
        g.error("fsdp_version", fmt::format("2 cannot shard a quantised base with rl: {}", method),
                "use deepspeed, or fsdp_version: 1");
  if (g.on("fsdp_config") && version != 2 && eight_bit && fsdp_on("offload_params"))
    g.error("optimizer", fmt::format("'{}' cannot be offloaded by FSDP", optimizer),
            "use adamw_torch_fused, or offload_params: false");
  if (g.on("fsdp_config") && version == 2 && is_bnb_8bit(optimizer))
    g.error("optimizer", fmt::format("'{}' cannot be sharded by fsdp_version: 2", optimizer),
            "use adamw_torch_8bit");
  if (optimizer == "muon" || optimizer.starts_with("flash_") || optimizer == "q_galore_adamw8bit") {
    if (g.on("deepspeed"))
      g.error("optimizer", fmt::format("'{}' cannot be used with deepspeed", optimizer));
    if (fsdp && version != 2)
      g.error("optimizer", fmt::format("'{}' needs fsdp_version: 2", optimizer));
    if (optimizer == "q_galore_adamw8bit" && g.has("adapter"))
      g.error("optimizer", "'q_galore_adamw8bit' trains all weights and takes no adapter");
  }
  if (g.on("fp32_norms") && (!g.on("fsdp_config") || version != 2))
    g.error("fp32_norms", "needs fsdp_config and fsdp_version: 2",
            "leave it out: norms are always computed in f32");
  if (g.on("fp8_enable_fsdp_float8_all_gather") && version != 2)
    g.error("fp8_enable_fsdp_float8_all_gather", "needs fsdp_version: 2");
  if (g.is("model_quantization_config", "Mxfp4Config") && fsdp_on("cpu_ram_efficient_loading"))
    g.error("model_quantization_config",
            "'Mxfp4Config' cannot be given with fsdp_config.cpu_ram_efficient_loading");
}

/// The model's head counts where its folder is at hand.
std::vector<std::int64_t> head_counts(const std::string& base_model) {
  const std::string path = base_model + "/config.json";
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return {};
  std::ifstream in(path);
  const auto json = try_parse_json<nlohmann::json>(in);
  std::vector<std::int64_t> out;
  for (const char* key : {"num_attention_heads", "num_key_value_heads"})
    if (json.is_object() && json.contains(key) && json[key].is_number_integer())
      out.push_back(json[key].get<std::int64_t>());
  return out;
}

void tensor_parallel(const Given& g, std::int64_t tensor) {
  if (tensor <= 1) return;
  const auto heads = head_counts(g.config().base_model);
  for (const std::int64_t count : heads)
    if (count % tensor != 0)
      g.error("tensor_parallel_size",
              fmt::format("must divide the model's head counts ({}); got {}",
                          fmt::join(heads, " and "), tensor));
  if (heads.empty() && (tensor & (tensor - 1)) != 0)
    g.error("tensor_parallel_size",
            fmt::format("must divide the model's attention heads, and {} divides those of no "
                        "common model",
                        tensor),
            "use 2, 4 or 8; with the model's folder at hand its own head counts are asked");
  const std::string optimizer = g.text("optimizer");
  if (is_bnb_8bit(optimizer) || optimizer == "paged_adamw_8bit")
    g.error("optimizer", fmt::format("'{}' cannot be used with tensor_parallel_size", optimizer),
            "use adamw_torch_8bit");
  for (const char* key : {"liger_rms_norm", "liger_fused_linear_cross_entropy"})
    g.exclusive("tensor_parallel_size", key, "leave it out: it has no effect");
}

void context_parallel(const Given& g, std::int64_t context) {
  if (context <= 1) return;
  const std::string attention = g.text("attn_implementation");
  if (!g.on("use_glm_dsa_kernels") && attention.find("flash") == std::string::npos)
    g.error("context_parallel_size", "needs attn_implementation: flash_attention_2");
  if (g.config().sample_packing && g.config().micro_batch_size > 1)
    g.error("micro_batch_size", "must be 1 with context_parallel_size and sample_packing");
  if (g.config().sequence_len % (2 * context) != 0)
    g.error("sequence_len",
            fmt::format("must be a multiple of 2 x context_parallel_size ({}); got {}", 2 * context,
                        g.config().sequence_len),
            "each rank takes two equal pieces of a row");
  if (g.is("rl", "grpo") && g.inner_on("trl", "use_liger_loss"))
    g.error("context_parallel_size", "cannot be given with rl: grpo and trl.use_liger_loss");
}

/// The product of all sizes has to divide the ranks, where they are known.
void layout(const Given& g) {
  static constexpr const char* kSizes[] = {"dp_replicate_size", "dp_shard_size",
                                           "tensor_parallel_size", "context_parallel_size",
                                           "expert_parallel_size"};
  std::int64_t product = 1;
  std::string terms;
  const char* last = nullptr;
  for (const char* key : kSizes) {
    // Experts are spread over the ranks that shard the rest.
    const bool expert = std::string_view(key) == "expert_parallel_size";
    const std::int64_t size = g.integer(key, 1);
    if (size <= 1 || (expert && g.integer("dp_shard_size", 1) > 1)) continue;
    if (size > (std::int64_t{1} << 24) / product)
      return g.error(key, fmt::format("the layout has more than {} ranks", 1 << 24));
    product *= size;
    terms += fmt::format("{}{} {}", terms.empty() ? "" : " x ", key, size);
    last = key;
  }
  if (product == 1) return;
  std::int64_t ranks = g.integer("world_size", 0);
  if (ranks <= 0 && launched_ranks() > 1) ranks = launched_ranks();
  if (ranks > 0 && ranks % product != 0)
    g.error(last, fmt::format("the layout needs a multiple of {} ranks ({}); there are {}", product,
                              terms, ranks));
}

}  // namespace

void parallel_rules(const Given& g) {
  sharding(g);
  tensor_parallel(g, g.integer("tensor_parallel_size", 1));
  context_parallel(g, g.integer("context_parallel_size", 1));
  layout(g);
}

}  // namespace axl::config
