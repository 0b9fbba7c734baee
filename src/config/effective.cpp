#include <fmt/format.h>

#include "config/bind.hpp"
#include "config/given.hpp"
#include "config/rules.hpp"
#include "core/ascii.hpp"
#include "core/json.hpp"

namespace axl::config {
namespace {

using Json = nlohmann::ordered_json;

/// Values that Axolotl derives for keys which have no member here: they steer Python libraries, or
/// cannot be trained yet. The conditions are those of its schema on one GPU.
class Derived {
 public:
  Derived(const Given& given, Json& out) : given_(given), out_(out) {}

  void add() {
    const Given& g = given_;
    if (!g.has("tf32") || g.is("tf32", "auto")) set("tf32", !empty("tf32"));
    for (const char* size : {"tensor_parallel_size", "context_parallel_size"})
      if (!g.on(size)) set(size, 1);
    if (g.on("fsdp_config")) set("fsdp_version", g.fsdp_version());
    if (!g.has("remove_unused_columns") &&
        ((g.on("sample_packing") && g.is_false("eval_sample_packing")) ||
         g.on("skip_prepare_dataset")))
      set("remove_unused_columns", false);
    if (g.is("gradient_checkpointing", "offload")) set("activation_offloading", true);
    if (g.is("gradient_checkpointing", "offload_disk")) set("activation_offloading", "disk");
    if (g.on("gemma4_hybrid_attn_impl") && !g.has("attn_implementation"))
      set("attn_implementation", "flash_attention_2");
    if (g.is("torch_compile", "auto")) set("torch_compile", true);
    if (g.is("batch_flattening", "auto"))
      set("batch_flattening", g.text("attn_implementation").find("fl") == 0 &&
                                  !g.on("sample_packing") && g.config().micro_batch_size > 1);
    reward_model("reward_model", 1, "AutoModelForSequenceClassification");
    reward_model("process_reward_model", 2, "AutoModelForTokenClassification");
    tokenizer();
    kernels();
    loaders();
  }

 private:
  template <class T>
  void set(const char* key, T&& value) {
    out_[key] = std::forward<T>(value);
  }
  /// Written with no value, which takes the default away.
  bool empty(const char* key) const { return given_.written(key) && !given_.has(key); }

  void reward_model(const char* key, int labels, const char* type) {
    if (!given_.on(key)) return;
    if (!given_.has("num_labels")) set("num_labels", labels);
    if (!given_.has("model_type")) set("model_type", type);
  }
  void tokenizer() {
    if (given_.has("tokenizer_use_mistral_common")) return;
    for (const char* key : {"base_model", "base_model_config", "tokenizer_config"}) {
      if (ascii_lower(given_.text(key)).find("magistral") != std::string::npos)
        set("tokenizer_use_mistral_common", true);
    }
  }
  void kernels() {
    static constexpr const char* kKeys[] = {"lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel",
                                            "lora_embedding_kernel"};
    const Given& g = given_;
    bool plugin = false;
    if (const Node* plugins = g.find("plugins"))
      for (const Node& item : plugins->items)
        plugin = plugin || item.text.find(".KernelsPlugin") != std::string::npos;
    if (plugin) set("use_kernels", true);
    const bool lora = g.is("adapter", "lora"), qlora = g.is("adapter", "qlora");
    if ((!lora && !qlora) || g.has("rl") || (lora && g.on("load_in_8bit")) ||
        g.on("trust_remote_code") || g.on("nvfp4_merge_aware"))
      return;
    for (const char* key : kKeys)
      if (g.has(key)) return;
    for (const char* key : kKeys) set(key, true);
  }
  void loaders() {
    const Given& g = given_;
    if (g.has("dataloader_num_workers") || g.has("dataloader_pin_memory") ||
        g.has("dataloader_prefetch_factor"))
      return;
    set("dataloader_num_workers", 1);
    set("dataloader_pin_memory", true);
    set("dataloader_prefetch_factor", 256);
  }

  const Given& given_;
  Json& out_;
};

Json dataset_values(const std::vector<DatasetConfig>& list) {
  Json out = Json::array();
  for (const DatasetConfig& d : list) {
    Json item = Json::object();
    for (const DatasetKey& key : dataset_keys())
      if (key.action == Action::implement) item[std::string(key.name)] = value_of(d, key);
    if (!d.user_defined.empty()) item["type"] = d.user_defined;
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace

std::string effective_json(const Config& c, const Node& root, const TypedValues& typed) {
  Json out = Json::object();
  for (const ConfigSection& section : sections())
    for (const ConfigKey& key : section.keys)
      if (key.action == Action::implement && key.member.index() != 0)
        out[std::string(key.name)] = value_of(c, key);
  // Given keys without a member of their own, or whose member cannot hold what was given.
  for (const auto& [name, value] : typed)
    if (!out.contains(name) || out[name].is_null()) out[name] = value;
  for (const auto& [name, list] :
       {std::pair{"datasets", &c.datasets}, std::pair{"test_datasets", &c.test_datasets},
        std::pair{"pretraining_dataset", &c.pretraining_dataset}})
    out[name] = dataset_values(*list);

  // Values that stand in the YAML in another form than in their member.
  LoadResult scratch;
  Report quiet("", false, scratch);
  const Given g(c, root, quiet);
  if (c.save_steps_share) out["save_steps"] = *c.save_steps_share;
  if (c.eval_steps_share) out["eval_steps"] = *c.eval_steps_share;
  // As given, like Axolotl: what auto came to is told by dtype.
  const Node* bf16 = g.find("bf16");
  const auto bf16_flag = bf16 ? as_bool(*bf16) : std::nullopt;
  out["bf16"] = bf16_flag ? Json(*bf16_flag) : Json(bf16 ? bf16->text : "auto");
  out["dtype"] = c.dtype;
  if (g.is_false("gradient_checkpointing")) out["gradient_checkpointing"] = false;
  if (const Node* targets = g.find("lora_target_modules"); targets && !targets->text.empty())
    out["lora_target_modules"] = targets->text;
  if (!c.additional_special_tokens.empty())
    out["special_tokens"]["additional_special_tokens"] = c.additional_special_tokens;
  Json kwargs = Json::object();
  for (const auto& [name, text] : c.chat_template_kwargs) kwargs[name] = parse_json<Json>(text);
  out["chat_template_kwargs"] = std::move(kwargs);
  Derived(g, out).add();
  // Axolotl prints these two under their other names.
  out["type_of_model"] = out["model_type"];
  if (out.contains("model_revision")) out["revision_of_model"] = out["model_revision"];
  for (const Entry& e : root.entries)  // an old name keeps its value beside the new one
    if (const ConfigKey* key = find_key(e.key);
        key && key->action == Action::alias && key->target_value.empty() && !e.value.is_null() &&
        !out.contains(e.key) && out.contains(std::string(key->target)))
      out[e.key] = out[std::string(key->target)];
  return json_text(out, 2);
}

}  // namespace axl::config
