#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/given.hpp"
#include "config/schema.hpp"

// Rules about streams, packing, generated evaluation and tokenizers of other kinds.
namespace axl::config {
namespace {

void streams(const Given& g) {
  for (const char* key : {"pretraining_dataset", "streaming"}) {
    if (!g.on(key)) continue;
    g.needs(key, "max_steps", "a stream has no length: say when training ends");
    if (g.on("val_set_size"))
      g.error("val_set_size", fmt::format("cannot be given together with {}", key),
              "give test_datasets");
    g.exclusive(key, "dataset_exact_deduplication");
    if (g.has("max_steps") && g.has("val_set_size")) break;  // once is enough
  }
  if (g.on("pretraining_dataset")) {
    g.exclusive("pretraining_dataset", "include_tokens_per_second",
                "leave it out: tokens a second are always recorded");
    if (!g.on("streaming"))
      g.warning("pretraining_dataset", "is read as a stream",
                "write streaming: true to say so: Axolotl will ask for it");
  }
}

void evaluation(const Given& g) {
  if (g.on("do_bench_eval") && !g.on("evals_per_epoch") && !g.on("eval_steps"))
    g.error("do_bench_eval", "needs evals_per_epoch or eval_steps");
  if (g.on("do_causal_lm_eval") && g.config().eval_sample_packing.value_or(false))
    g.error("do_causal_lm_eval", "needs eval_sample_packing: false",
            "rows whose answers are generated cannot be packed");
  static constexpr std::array<std::string_view, 5> kMetrics{"sacrebleu", "comet", "ter", "chrf",
                                                            "perplexity"};
  if (const Node* metrics = g.find("eval_causal_lm_metrics"))
    for (const Node& item : metrics->items)
      if (std::find(kMetrics.begin(), kMetrics.end(), item.text) == kMetrics.end())
        g.error("eval_causal_lm_metrics", fmt::format("must hold some of {}; got {}",
                                                      fmt::join(kMetrics, ", "), found(item)));
  if (g.on("sample_packing") && g.on("eval_table_size") && !g.is_false("eval_sample_packing"))
    g.error("eval_table_size", "needs eval_sample_packing: false with sample_packing");
}

using Names = std::vector<std::string_view>;

/// Axolotl reads an entry with one of several classes, chosen by rl, and drops what that class does
/// not declare; here every key is read that the kind of rows has a use for.
void dataset_classes(const Given& g) {
  static const Names kPreference{"path",     "split",          "type",         "data_files",
                                 "revision", "field_messages", "field_chosen", "field_rejected"};
  static const Names kKto{"path", "split", "type", "data_files", "trust_remote_code", "revision"};
  static const Names kStepwise{"step_separator", "max_completion_length", "train_on_last_step_only",
                               "text_column", "skip"};
  static const Names kOurs{"weight", "preprocess_command", "row_transforms"};
  const auto in = [](const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool preference = g.is("rl", "dpo") || g.is("rl", "ipo") || g.is("rl", "simpo");
  const Names* known = preference ? &kPreference : g.is("rl", "kto") ? &kKto : nullptr;
  for (const char* list : {"datasets", "test_datasets"}) {
    const Node* node = g.find(list);
    for (std::size_t i = 0; node && i < node->items.size(); ++i)
      for (const Entry& e : node->items[i].entries) {
        const auto& table = dataset_keys();
        const bool declared = std::any_of(table.begin(), table.end(), [&e](const DatasetKey& k) {
          return k.name == e.key && k.action != Action::unread;
        });
        if (!declared || in(kOurs, e.key)) continue;
        const bool read = known ? in(*known, e.key) : !in(kStepwise, e.key);
        if (!read)
          g.dropped(fmt::format("{}.{}.{}", list, i, e.key), e,
                    known ? fmt::format("Axolotl drops this key silently with rl: {}", g.text("rl"))
                          : "Axolotl drops this key silently");
      }
  }
}

}  // namespace

void data_rules(const Given& g) {
  streams(g);
  dataset_classes(g);
  evaluation(g);
  if (g.on("push_dataset_to_hub") && !g.on("hf_use_auth_token"))
    g.error("push_dataset_to_hub", "needs hf_use_auth_token: true", "nothing is uploaded here");
  g.exclusive("skip_prepare_dataset", "dataset_exact_deduplication");
  for (const auto& [one, other] : {std::pair{"dataset_shard_num", "dataset_shard_idx"},
                                   std::pair{"dataset_shard_idx", "dataset_shard_num"}})
    if (g.has(one) && !g.has(other))
      g.warning(one, fmt::format("has no effect without {}", other), "all rows are taken");
  if (g.on("tokenizer_use_mistral_common"))
    for (const char* key : {"added_tokens_overrides", "special_tokens", "tokens", "chat_template",
                            "processor_kwargs"})
      g.exclusive("tokenizer_use_mistral_common", key,
                  "leave tokenizer_use_mistral_common out and use the model's tokenizer.json");
}

}  // namespace axl::config
