#include "config/rules.hpp"

#include <fmt/format.h>

#include <cmath>

#include "config/given.hpp"

namespace axl::config {
namespace {

void required_and_data(const Given& g) {
  const Config& c = g.config();
  if (!g.has("datasets") && !g.has("pretraining_dataset"))
    g.error("datasets", "is required: the list of data sets",
            "datasets:\n          - path: rows.jsonl\n            type: alpaca");
  if (g.has("test_datasets") && c.val_set_size > 0)
    g.error("val_set_size", "cannot be given together with test_datasets", "set val_set_size: 0");
  if (c.val_set_size > 1 && c.val_set_size != std::floor(c.val_set_size))
    g.error("val_set_size",
            fmt::format("above 1 it is a number of rows and must be an integer; got "
                        "{}",
                        c.val_set_size));
  if (c.val_set_size == 1.0)
    g.error("val_set_size", "1 takes every row for evaluation and leaves none for training",
            "a share such as 0.05, or a number of rows above 1");
  if (c.chat_template == "jinja" && c.chat_template_jinja.empty())
    g.error("chat_template", "'jinja' needs chat_template_jinja",
            "give the template's text or file");
  for (const DatasetConfig& d : c.datasets)
    if (d.chat_template == "jinja" && d.chat_template_jinja.empty())
      g.error("datasets", fmt::format("the data set {} has chat_template 'jinja' without "
                                      "chat_template_jinja",
                                      d.path));
  if (g.has("default_system_message") && c.chat_template != "chatml")
    g.warning("default_system_message", "has no effect: it belongs to chat_template: chatml");
}

void batch_rules(const Given& g) {
  const Config& c = g.config();
  const int given =
      g.has("micro_batch_size") + g.has("gradient_accumulation_steps") + g.has("batch_size");
  if (given < 2)
    g.error(g.has("micro_batch_size") ? "gradient_accumulation_steps" : "micro_batch_size",
            "at least two of micro_batch_size, gradient_accumulation_steps and batch_size must be "
            "given",
            "micro_batch_size: 1 with gradient_accumulation_steps: 1 is the smallest batch");
  if (g.has("gradient_accumulation_steps") && g.has("batch_size")) {
    g.error("batch_size", "cannot be given together with gradient_accumulation_steps",
            "keep gradient_accumulation_steps");
  } else if (c.batch_size && g.has("batch_size")) {
    if (*c.batch_size % c.micro_batch_size != 0)
      g.error("batch_size", fmt::format("must be a multiple of micro_batch_size ({}); got {}",
                                        c.micro_batch_size, *c.batch_size));
    else
      g.warning(
          "batch_size", "gradient_accumulation_steps says the same more clearly",
          fmt::format("write gradient_accumulation_steps: {}", c.gradient_accumulation_steps));
  }
  g.exclusive("warmup_steps", "warmup_ratio");
}

void step_rules(const Given& g) {
  const Config& c = g.config();
  const bool eval_rows = c.val_set_size > 0 || !c.test_datasets.empty();
  const std::string save_given = g.text("save_strategy");
  if (g.on("save_steps") && g.has("save_strategy") && save_given != "steps")
    g.error("save_strategy", fmt::format("must be steps with save_steps; got '{}'", save_given),
            "leave save_strategy or save_steps out");
  if (g.on("saves_per_epoch") && g.has("save_strategy") && save_given != "steps")
    g.error("save_strategy",
            fmt::format("must be steps with saves_per_epoch; got '{}'", save_given),
            "leave save_strategy or saves_per_epoch out");
  g.exclusive("save_steps", "saves_per_epoch");
  if (c.save_strategy == "best" && !g.has("metric_for_best_model"))
    g.error("save_strategy", "'best' needs metric_for_best_model",
            "metric_for_best_model: eval_loss, or save_strategy: steps");
  else if (c.save_strategy == "best")
    g.unsupported("save_strategy", "keeping the best checkpoint is not supported yet; got 'best'",
                  "use save_steps or saves_per_epoch");
  // What is given, not what derive() made of it: without rows to evaluate that is "no".
  const std::string eval_given = g.text("eval_strategy");
  if (g.on("eval_steps") && g.has("eval_strategy") && eval_given != "steps")
    g.error("eval_strategy", fmt::format("must be steps with eval_steps; got '{}'", eval_given),
            "leave eval_strategy or eval_steps out");
  g.exclusive("eval_steps", "evals_per_epoch");
  if (g.on("evals_per_epoch") && g.has("eval_strategy") && eval_given != "steps")
    g.error("eval_strategy",
            fmt::format("must be steps with evals_per_epoch; got '{}'", eval_given),
            "leave eval_strategy or evals_per_epoch out");
  const bool eval_off = eval_given == "no";
  if (g.has("val_set_size") && !eval_rows && !eval_off) {
    if (g.on("eval_steps"))
      g.error("eval_steps", "there are no evaluation rows: val_set_size is 0",
              "set val_set_size, or leave eval_steps out");
    else if (g.has("eval_strategy"))
      g.error("eval_strategy", "there are no evaluation rows: val_set_size is 0",
              "set val_set_size, or leave eval_strategy out");
  }
  if (c.early_stopping_patience) {
    const bool whole = c.save_steps && c.eval_steps;
    const bool shares = c.save_steps_share && c.eval_steps_share;
    const double ratio =
        whole    ? static_cast<double>(*c.save_steps) / static_cast<double>(*c.eval_steps)
        : shares ? *c.save_steps_share / *c.eval_steps_share
                 : 0.5;
    if (!g.on("save_steps") || !g.on("eval_steps") || std::abs(ratio - std::round(ratio)) > 1e-9)
      g.error("early_stopping_patience",
              "needs save_steps and eval_steps, and eval_steps must divide save_steps");
  }
  const Node* noise = g.find("neftune_noise_alpha");
  if (noise && as_number(*noise) == 0.0)
    g.error("neftune_noise_alpha",
            fmt::format("must be a number, more than 0; got {}", found(*noise)),
            "leave it out for no noise");
  if (!std::isfinite(c.num_epochs)) return;
  if (g.has("cosine_min_lr_ratio") && c.lr_scheduler != "cosine")
    g.warning("cosine_min_lr_ratio",
              fmt::format("has no effect with lr_scheduler: {}", c.lr_scheduler));
  if (g.has("cosine_constant_lr_ratio") && c.lr_scheduler != "cosine")
    g.warning("cosine_constant_lr_ratio",
              fmt::format("has no effect with lr_scheduler: {}", c.lr_scheduler));
  if (g.has("cosine_constant_lr_ratio") && !g.on("cosine_min_lr_ratio"))
    g.warning("cosine_constant_lr_ratio", "has no effect without cosine_min_lr_ratio above 0");
  for (const char* key : {"embedding_lr", "embedding_lr_scale"}) {
    if (g.has(key) && !g.on(key))
      g.warning(key, "0 counts as not given, as in Axolotl 0.19: embeddings learn at learning_rate",
                "leave them frozen by not training them");
    else if (g.on(key) && g.on("loraplus_lr_ratio") && !c.adapter.empty())
      g.warning(key, "has no effect with loraplus_lr_ratio, as in Axolotl 0.19");
  }
}

}  // namespace

void check_rules(const Config& config, const Node& root, Report& report) {
  const Given g(config, root, report);
  for (const char* key : {"base_model", "learning_rate"})
    if (!g.has(key)) g.error(key, "is required");
  // Axolotl declares these without None: the key may be left out, but not left empty.
  for (const char* key : {"base_model_config", "tokenizer_config", "output_dir", "num_epochs",
                          "sequence_len", "use_ray", "ray_num_workers", "resources_per_worker",
                          "quantize_moe_experts", "ple_cpu_offload"})
    if (g.written(key) && !g.has(key))
      g.error(key, "must have a value; got nothing", "leave the key out for its default");
  required_and_data(g);
  path_rules(g);
  data_rules(g);
  batch_rules(g);
  step_rules(g);
  adapter_rules(g);
  parallel_rules(g);
  kernel_rules(g);
  optimizer_rules(g);
  preference_rules(g);
}

}  // namespace axl::config
