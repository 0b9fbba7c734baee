#include "config/readers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/bind.hpp"
#include "config/chat_template_names.hpp"
#include "config/optimizers.hpp"
#include "config/value.hpp"
#include "core/error.hpp"
#include "core/pattern.hpp"

namespace axl::config {
namespace {

/// Reports and returns nullopt unless the node is text.
std::optional<std::string> text_or_error(const Node& node, const std::string& key, Report& report) {
  auto v = as_text(node);
  if (!v) report.error(key, node, fmt::format("must be text; got {}", found(node)));
  return v;
}

std::optional<bool> bool_or_error(const Node& node, const std::string& key, Report& report) {
  auto v = as_bool(node);
  if (!v) report.error(key, node, fmt::format("must be true or false; got {}", found(node)));
  return v;
}

bool contains(const std::vector<std::string_view>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

std::string did_you_mean(const std::string& name, std::vector<std::string_view> known) {
  const std::string near = nearest(name, {known.begin(), known.end()});
  return near.empty() ? "" : fmt::format("did you mean '{}'?", near);
}

void read_model_type(Config& c, const Node& node, const std::string& key, Report& report) {
  const auto v = text_or_error(node, key, report);
  if (!v) return;
  c.model_type = *v;
  if (v->find("Classification") != std::string::npos)
    report.unsupported(key, node,
                       fmt::format("models with a classification head are not supported yet; "
                                   "got '{}'",
                                   *v),
                       "AutoModelForCausalLM is supported");
  else if (v->find("ForConditionalGeneration") != std::string::npos ||
           v->find("Vision") != std::string::npos || v->find("ImageText") != std::string::npos)
    report.unsupported(key, node,
                       fmt::format("models of images and sound are not supported; got '{}'", *v),
                       "AutoModelForCausalLM is supported");
}

void read_special_tokens(Config& c, const Node& node, const std::string& key, Report& report) {
  static const std::vector<std::string> kNames{"bos_token", "eos_token", "pad_token", "unk_token",
                                               "additional_special_tokens"};
  if (node.kind != Node::Kind::map)
    return report.error(key, node, fmt::format("must be a map; got {}", found(node)));
  for (const Entry& e : node.entries) {
    const std::string name = key + "." + e.key;
    if (std::find(kNames.begin(), kNames.end(), e.key) == kNames.end()) {
      const std::string near = nearest(e.key, kNames);
      report.unknown(report.place(name, e.line, e.column), near);
    } else if (e.value.is_null()) {
      continue;
    } else if (e.key == "additional_special_tokens") {
      if (e.value.kind != Node::Kind::sequence) {
        report.error(name, e.value, fmt::format("must be a list of text; got {}", found(e.value)));
        continue;
      }
      for (const Node& item : e.value.items)
        if (const auto v = text_or_error(item, name, report))
          c.additional_special_tokens.push_back(*v);
    } else if (const auto v = text_or_error(e.value, name, report)) {
      c.special_tokens[e.key] = *v;
    }
  }
}

void read_token_overrides(Config& c, const Node& node, const std::string& key, Report& report) {
  if (node.kind != Node::Kind::map)
    return report.error(key, node,
                        fmt::format("must be a map from token ids to texts; got {}", found(node)));
  for (const Entry& e : node.entries) {
    std::int64_t id = -1;
    const auto [end, problem] = std::from_chars(e.key.data(), e.key.data() + e.key.size(), id);
    if (problem != std::errc() || end != e.key.data() + e.key.size() || id < 0 || id > 0x7fffffff)
      report.error(report.place(key + "." + e.key, e.line, e.column), "is not a token id");
    else if (const auto text = text_or_error(e.value, key + "." + e.key, report))
      c.added_tokens_overrides[e.key] = *text;
  }
}

const std::vector<std::string_view>& chat_template_names() {
  static const std::vector<std::string_view> list{"alpaca",
                                                  "aya",
                                                  "chatml",
                                                  "cohere",
                                                  "command_a",
                                                  "command_a_rag",
                                                  "command_a_tool_use",
                                                  "deepseek_v2",
                                                  "deepseek_v3",
                                                  "exaone",
                                                  "exaone4",
                                                  "falcon_h1",
                                                  "gemma",
                                                  "gemma3",
                                                  "gemma3n",
                                                  "gemma4",
                                                  "gemma4_unified",
                                                  "jamba",
                                                  "llama3",
                                                  "llama3_2_vision",
                                                  "llama4",
                                                  "llava",
                                                  "metharme",
                                                  "mistral_v1",
                                                  "mistral_v2v3",
                                                  "mistral_v3_tekken",
                                                  "mistral_v7_tekken",
                                                  "nemotron_h",
                                                  "phi_3",
                                                  "phi_35",
                                                  "phi_4",
                                                  "pixtral",
                                                  "qwen2_vl",
                                                  "qwen3",
                                                  "qwen3_5",
                                                  "qwen_25",
                                                  "jinja",
                                                  "tokenizer_default"};
  return list;
}

void read_chat_template(Config& c, const Node& node, const std::string& key, Report& report) {
  const auto v = text_or_error(node, key, report);
  if (!v) return;
  if (!contains(chat_template_names(), *v) && !v->starts_with("tokenizer_default_fallback_")) {
    const std::string near = did_you_mean(*v, chat_template_names());
    return report.error(key, node, fmt::format("there is no chat template '{}'", *v),
                        !near.empty() ? near
                                      : "docs/chat-templates.md lists the names; one of your own: "
                                        "chat_template: jinja with chat_template_jinja");
  }
  c.chat_template = *v;
}

/// Axolotl takes any name here and fails when it reads the rows: only a slip is told at once.
void read_dataset_template(DatasetConfig& d, const Node& node, const std::string& key,
                           Report& report) {
  const auto v = text_or_error(node, key, report);
  if (!v) return;
  const std::string near =
      contains(chat_template_names(), *v) ? "" : did_you_mean(*v, chat_template_names());
  if (!near.empty())
    return report.error(key, node, fmt::format("there is no chat template '{}'", *v), near);
  d.chat_template = *v;
}

void read_json_map(Config& c, const Node& node, const std::string& key, Report& report) {
  if (node.kind != Node::Kind::map)
    return report.error(key, node, fmt::format("must be a map; got {}", found(node)));
  for (const Entry& e : node.entries) c.chat_template_kwargs[e.key] = to_json(e.value);
}

void read_token_indices(Config& c, const Node& node, const std::string& key, Report& report) {
  const Node* list = &node;
  if (node.kind == Node::Kind::map && node.entries.size() == 1) {
    if (!node.entries[0].key.ends_with("embed_tokens"))
      return report.error(key, node, "trains rows of the input embedding only",
                          "name embed_tokens, or give the list alone");
    list = &node.entries[0].value;
  }
  if (list->kind != Node::Kind::sequence)
    return report.error(key, node, fmt::format("must be a list of token ids; got {}", found(node)));
  for (const Node& item : list->items) {
    const auto id = as_integer(item);
    if (!id || *id < 0 || *id > 0x7fffffff)
      return report.error(key, item, fmt::format("must be a token id; got {}", found(item)));
    if (std::find(c.peft_trainable_token_indices.begin(), c.peft_trainable_token_indices.end(),
                  *id) != c.peft_trainable_token_indices.end())
      return report.error(key, item, fmt::format("token {} is named twice", *id));
    c.peft_trainable_token_indices.push_back(*id);
  }
}

void read_target_modules(Config& c, const Node& node, const std::string& key, Report& report) {
  if (node.kind == Node::Kind::scalar) {
    const auto v = text_or_error(node, key, report);
    if (!v) return;
    if (*v == "all-linear") {
      c.lora_target_linear = true;
      return;
    }
    try {
      Pattern probe(*v);
    } catch (const Error& e) {
      report.error(key, node, e.message(),
                   "a list such as [q_proj, v_proj] names modules by their endings");
      return;
    }
    // A plain word would match no whole name, so it can only be meant as an ending.
    c.lora_target_is_regex = v->find_first_of(".*+?[]()|\\^$") != std::string::npos;
    c.lora_target_modules = {*v};
    return;
  }
  if (node.kind != Node::Kind::sequence)
    return report.error(
        key, node,
        fmt::format("must be a list of module names, or one regex; got {}", found(node)));
  for (const Node& item : node.items)
    if (const auto v = text_or_error(item, key, report)) c.lora_target_modules.push_back(*v);
}

void read_optimizer(Config& c, const Node& node, const std::string& key, Report& report) {
  const auto v = text_or_error(node, key, report);
  if (!v) return;
  static const std::vector<std::string_view> kLater{"adagrad",
                                                    "lion",
                                                    "lion_8bit",
                                                    "lion_32bit",
                                                    "lion_pytorch",
                                                    "paged_lion_8bit",
                                                    "paged_lion_32bit",
                                                    "rmsprop",
                                                    "muon",
                                                    "dion",
                                                    "adopt_adamw",
                                                    "came_pytorch",
                                                    "lomo",
                                                    "adalomo",
                                                    "grokadamw",
                                                    "stable_adamw",
                                                    "flash_adamw",
                                                    "flash_adam",
                                                    "flash_sgd",
                                                    "flash_sgdw",
                                                    "flash_lion",
                                                    "galore_adamw",
                                                    "galore_adamw_8bit",
                                                    "galore_adafactor",
                                                    "schedule_free_adamw",
                                                    "schedule_free_sgd",
                                                    "ademamix",
                                                    "sinkgd",
                                                    "apollo_adamw",
                                                    "q_galore_adamw8bit",
                                                    "ao_adamw_fp8"};
  c.optimizer = *v;
  if (const KnownOptimizer* known = find_optimizer(*v)) {
    if (!known->notice.empty())
      report.warning(report.place(key, node), fmt::format("'{}': {}", *v, known->notice),
                     "axolotl-hpc plan shows the memory");
  } else if (contains(kLater, *v)) {
    report.unsupported(key, node, fmt::format("this optimiser is not supported yet; got '{}'", *v),
                       "use adamw_torch_fused");
  } else {
    const std::string near = did_you_mean(*v, optimizer_names());
    report.error(key, node,
                 fmt::format("must be one of {}; got '{}'", fmt::join(optimizer_names(), ", "), *v),
                 near);
  }
}

void read_scheduler(Config& c, const Node& node, const std::string& key, Report& report) {
  const auto v = text_or_error(node, key, report);
  if (!v) return;
  static const std::vector<std::string_view> kHere{"cosine", "linear", "constant",
                                                   "constant_with_warmup"};
  static const std::vector<std::string_view> kLater{"one_cycle",
                                                    "rex",
                                                    "polynomial",
                                                    "inverse_sqrt",
                                                    "cosine_with_restarts",
                                                    "cosine_with_min_lr",
                                                    "warmup_stable_decay",
                                                    "reduce_lr_on_plateau",
                                                    "cosine_warmup_with_min_lr"};
  c.lr_scheduler = *v;
  if (contains(kHere, *v)) return;
  if (contains(kLater, *v))
    report.unsupported(key, node, fmt::format("this schedule is not supported yet; got '{}'", *v),
                       *v == "cosine_with_min_lr" ? "use cosine with cosine_min_lr_ratio"
                                                  : "use cosine, linear or constant_with_warmup");
  else
    report.error(key, node, fmt::format("must be one of {}; got '{}'", fmt::join(kHere, ", "), *v),
                 did_you_mean(*v, kHere));
}

void read_bf16(Config& c, const Node& node, const std::string& key, Report& report) {
  const auto b = as_bool(node);
  if (b) {
    c.bf16 = *b ? "true" : "false";
  } else if (node.kind == Node::Kind::scalar && (node.text == "auto" || node.text == "full")) {
    c.bf16 = node.text;
  } else {
    report.error(key, node,
                 fmt::format("must be one of auto, true, false, full; got {}", found(node)));
  }
}

void read_bfloat16(Config& c, const Node& node, const std::string& key, Report& report) {
  const auto v = bool_or_error(node, key, report);
  if (v && *v) c.dtype = "bf16";
}

void read_float32(Config& c, const Node& node, const std::string& key, Report& report) {
  const auto v = bool_or_error(node, key, report);
  if (v && *v) c.dtype = "float32";
}

void read_float16(Config&, const Node& node, const std::string& key, Report& report) {
  if (as_bool(node).value_or(false))
    report.unsupported(
        key, node,
        fmt::format("f16 needs loss scaling on a GPU and is not supported; got {}", found(node)),
        "use bf16: true or bf16: auto");
  else
    bool_or_error(node, key, report);
}

void read_gradient_checkpointing(Config& c, const Node& node, const std::string& key,
                                 Report& report) {
  if (const auto b = as_bool(node)) {
    c.gradient_checkpointing = *b;
  } else if (node.kind == Node::Kind::scalar &&
             (node.text == "offload" || node.text == "offload_disk")) {
    c.gradient_checkpointing = true;
    report.warning(report.place(key, node),
                   fmt::format("'{}' is taken as true: there is no GPU memory to move data out of",
                               node.text));
  } else {
    report.error(key, node, fmt::format("must be true or false; got {}", found(node)));
  }
}

void read_steps(Config& c, const Node& node, const std::string& key, Report& report) {
  const auto v = as_number(node);
  const auto whole = as_integer(node);
  if (v == 0.0) return;  // counts as not given
  if (!v || *v < 0 || (*v >= 1 && !whole))
    return report.error(key, node,
                        fmt::format("must be a number of steps (an integer, at least 1) or a share "
                                    "of all steps (more than 0, less than 1); got {}",
                                    found(node)));
  const bool save = key == "save_steps";
  if (*v < 1)
    (save ? c.save_steps_share : c.eval_steps_share) = *v;
  else
    (save ? c.save_steps : c.eval_steps) = *whole;
}

void read_resume(Config& c, const Node& node, const std::string& key, Report& report) {
  if (const auto newest = as_bool(node)) {
    c.resume_from_newest = *newest;
    return;
  }
  if (node.kind != Node::Kind::scalar)
    return report.error(key, node,
                        fmt::format("must be a checkpoint folder, or true for the newest "
                                    "one in output_dir; got {}",
                                    found(node)));
  c.resume_from_checkpoint = node.text;
}

void read_safetensors(Config&, const Node& node, const std::string& key, Report& report) {
  const auto v = bool_or_error(node, key, report);
  if (v && !*v)
    report.error(key, node,
                 fmt::format("weights are always written as safetensors; got {}", found(node)));
}

void read_plugins(Config&, const Node& node, const std::string& key, Report& report) {
  static constexpr std::array<std::string_view, 7> kBuiltIn{
      "cut_cross_entropy", "liger", "kernels", "swanlab", "lm_eval", "spectrum", "expert_parallel"};
  if (node.kind != Node::Kind::sequence)
    return report.error(key, node, fmt::format("must be a list of text; got {}", found(node)));
  bool any = false;
  for (const Node& item : node.items) {
    const auto v = text_or_error(item, key, report);
    if (!v) continue;
    const bool ours = v->starts_with("axolotl.integrations.");
    const bool known =
        ours && std::any_of(kBuiltIn.begin(), kBuiltIn.end(), [&v](std::string_view name) {
          return v->find("." + std::string(name) + ".") != std::string::npos;
        });
    if (known)
      any = true;
    else
      report.unsupported(key, item,
                         fmt::format("this Python plug-in is not supported; got {}", found(item)),
                         "leave it out, or keep to Axolotl for this run");
  }
  if (any)
    report.notice(
        report.place(key, node),
        "Python plug-ins are not loaded; what the kernel and logging plug-ins do is built "
        "in");
}

void read_parallel_size(Config&, const Node& node, const std::string& key, Report& report) {
  const auto v = as_integer(node);
  if (!v || *v < 1)
    report.error(key, node, fmt::format("must be an integer, at least 1; got {}", found(node)));
  else if (*v > 1)
    report.unsupported(
        key, node,
        fmt::format("splitting one model or one row over ranks is not supported yet; got "
                    "{}",
                    found(node)),
        fmt::format("set {} to 1: every rank then works on rows of its own", key));
}

void read_attention(Config&, const Node& node, const std::string& key, Report& report) {
  static const std::vector<std::string_view> kNames{
      "eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention", "xformers",
      "sage",  "fp8"};
  const auto v = text_or_error(node, key, report);
  if (!v) return;
  if (*v == "flash" || *v == "flex" || *v == "sdp")
    report.error(key, node, fmt::format("must be a full name; got '{}'", *v),
                 *v == "sdp" ? "did you mean 'sdpa'?"
                             : fmt::format("did you mean '{}'?",
                                           *v == "flash" ? "flash_attention_2" : "flex_attention"));
  else if (!contains(kNames, *v) && v->find('/') == std::string::npos)
    report.error(key, node, fmt::format("must be one of {}; got '{}'", fmt::join(kNames, ", "), *v),
                 did_you_mean(*v, kNames));
}

}  // namespace axl::config
