#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "config/given.hpp"

// Rules about preference, reward and reinforcement training.
namespace axl::config {
namespace {

void losses(const Given& g) {
  const Node* types = g.find("dpo_loss_type");
  const Node* weights = g.find("dpo_loss_weights");
  if (!types && !weights) return;
  const char* given = types ? "dpo_loss_type" : "dpo_loss_weights";
  if (!g.is("rl", "dpo")) return g.error(given, "belongs to rl: dpo");
  if (!types) return g.error("dpo_loss_weights", "needs dpo_loss_type");
  const auto length = [](const Node& n) {
    return n.kind == Node::Kind::sequence ? n.items.size() : 1;
  };
  if (weights && length(*types) != length(*weights))
    g.error("dpo_loss_weights",
            fmt::format("must have one weight for each of the {} entries of dpo_loss_type; got {}",
                        length(*types), length(*weights)));
}

/// What of rl: dpo is trained: the sigmoid loss, with or without label smoothing.
void dpo(const Given& g) {
  if (!g.is("rl", "dpo")) {
    for (const char* key : {"dpo_label_smoothing", "rl_beta"})
      if (g.on(key) && !g.has("rl")) g.warning(key, "has no effect without rl");
    return;
  }
  if (const Node* types = g.find("dpo_loss_type"); types != nullptr) {
    const bool one = types->kind == Node::Kind::sequence ? types->items.size() == 1 : true;
    const Node& first = types->kind == Node::Kind::sequence && one ? types->items[0] : *types;
    if (!one || first.text != "sigmoid")
      g.unsupported("dpo_loss_type",
                    fmt::format("only [sigmoid] is trained; got {}",
                                one ? "'" + first.text + "'" : "several"),
                    "leave it out, or set it to [sigmoid]");
  }
  if (const Node* weights = g.find("dpo_loss_weights"); weights != nullptr)
    for (const Node& item : weights->items)
      if (as_number(item) != 1.0)
        g.unsupported("dpo_loss_weights", "weights of losses are not supported yet",
                      "leave it out, or set it to [1.0]");
  for (const char* key : {"dpo_use_weighting", "dpo_norm_loss", "rpo_alpha"})
    if (g.on(key)) g.unsupported(key, "this part of DPO is not supported yet", "leave it out");
  const Config& c = g.config();
  if (c.preference_beta() == 0.0)
    g.error("rl_beta", "must be more than 0 with rl: dpo: nothing would be learned",
            "TRL's default is 0.1");
  if (c.streaming || !c.pretraining_dataset.empty())
    g.error("rl", "preference rows are not streamed", "use datasets without streaming");
}

void generations(const Given& g) {
  const Node* node = g.inner("trl", "num_generations");
  if (!g.is("rl", "grpo") || !node) return;
  const std::int64_t count = as_integer(*node).value_or(0);
  if (count < 2)
    return g.error("trl", fmt::format("num_generations must be at least 2; got {}", count));
  const Config& c = g.config();
  const Node* own = g.inner("trl", "generation_batch_size");
  const std::int64_t batch =
      own ? as_integer(*own).value_or(1) : c.micro_batch_size * c.gradient_accumulation_steps;
  if (batch % count == 0) return;
  const std::int64_t steps = count / std::gcd(count, std::max<std::int64_t>(1, c.micro_batch_size));
  g.error("trl",
          fmt::format("num_generations ({}) must divide the generation batch ({})", count, batch),
          own ? "" : fmt::format("set gradient_accumulation_steps: {}", steps));
}

}  // namespace

void preference_rules(const Given& g) {
  losses(g);
  dpo(g);
  generations(g);
  if (g.is("rl", "kto")) {
    for (const char* key : {"sample_packing", "eval_sample_packing"})
      g.exclusive("rl", key, "set it to false: preference rows are not packed");
    if (!g.is_false("remove_unused_columns"))
      g.error("remove_unused_columns", "must be false with rl: kto");
  } else {
    g.exclusive("rl", "sample_packing", "set it to false: preference rows are not packed");
  }
  if (g.is("rl", "simpo")) g.exclusive("rl", "warmup_ratio", "use warmup_steps");
  if (g.is("rl", "ipo"))
    g.warning("rl", "'ipo' is an old name", "write rl: dpo with dpo_loss_type: [ipo]");
  if (g.is("rl", "ebft") && !g.on("ebft")) g.error("rl", "'ebft' needs the map ebft");
  if (const Node* n = g.inner("trl", "multi_objective_aggregation");
      n && g.is("rl", "gdpo") && n->text == "sum_then_normalize")
    g.error("trl", "multi_objective_aggregation: sum_then_normalize contradicts rl: gdpo");
}

}  // namespace axl::config
