#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/given.hpp"
#include "config/optimizers.hpp"
#include "config/readers.hpp"
#include "config/value.hpp"
#include "core/suggest.hpp"

// What optim_args hold, and which keys have an effect on which optimiser.
namespace axl::config {
namespace {

/// A scalar of optim_args as a number; booleans are 0 and 1.
std::optional<double> value_of(const Node& node) {
  if (const auto number = as_number(node)) return number;
  if (const auto boolean = as_bool(node)) return *boolean ? 1.0 : 0.0;
  return std::nullopt;
}

void read_pair(Config& c, const Node& node, const std::string& where, Report& report) {
  const bool pair = node.items.size() == 2 && as_number(node.items[0]) && as_number(node.items[1]);
  if (!pair)
    return report.error(where, node, fmt::format("must be two numbers; got {}", found(node)));
  c.optim_args["eps"] = *as_number(node.items[0]);
  c.optim_args["eps2"] = *as_number(node.items[1]);
}

void read_arg(Config& c, const std::string& name, const Node& node, const std::string& key,
              Report& report) {
  const std::string where = key + "." + name;
  if (name == "eps" && node.kind == Node::Kind::sequence) return read_pair(c, node, where, report);
  if (node.is_null()) return;
  if (const auto value = value_of(node))
    c.optim_args[name] = *value;
  else
    report.error(where, node,
                 fmt::format("must be a number or true or false; got {}", found(node)));
}

std::string names_of(const std::vector<OptimizerArg>& args) {
  std::string out;
  for (const OptimizerArg& a : args) out += (out.empty() ? "" : ", ") + std::string(a.name);
  return out;
}

void unknown_arg(const Given& g, const KnownOptimizer& optimizer, const std::string& name) {
  if (name == "weight_decay")
    return g.error("optim_args", "weight_decay is a key of its own",
                   "write weight_decay: at the top level; Axolotl ignores it here");
  if (optimizer.args.empty())
    return g.error("optim_args",
                   fmt::format("optimizer: {} takes none; got '{}'", optimizer.name, name),
                   "adam_beta1, adam_beta2, adam_epsilon and weight_decay are keys of their own");
  std::vector<std::string> known;
  for (const OptimizerArg& a : optimizer.args) known.emplace_back(a.name);
  const std::string near = nearest(name, known);
  g.error("optim_args",
          fmt::format("optimizer: {} has no argument '{}'; it takes {}", optimizer.name, name,
                      names_of(optimizer.args)),
          near.empty() ? "" : fmt::format("did you mean '{}'?", near));
}

void check_arg(const Given& g, const OptimizerArg& a, double value) {
  const auto wrong = [&](const std::string& allowed) {
    g.error("optim_args", fmt::format("{} must be {}; got {}", a.name, allowed, value));
  };
  if (a.is_switch) {
    if (value != 0.0 && value != 1.0) wrong("true or false");
    return;
  }
  const bool low = a.above ? value <= a.minimum : value < a.minimum;
  const bool high = a.below ? value >= a.maximum : value > a.maximum;
  if (!low && !high && std::isfinite(value)) return;
  wrong(a.maximum >= 1e9 ? fmt::format("{} {}", a.above ? "more than" : "at least", a.minimum)
                         : fmt::format("a number from {} to {}{}", a.minimum,
                                       a.below ? "below " : "", a.maximum));
}

double arg(const Config& c, const char* name) {
  const auto it = c.optim_args.find(name);
  return it == c.optim_args.end() ? 0.0 : it->second;
}

void sgd_rules(const Given& g) {
  const Config& c = g.config();
  if (arg(c, "nesterov") == 1.0 && (arg(c, "momentum") == 0.0 || arg(c, "dampening") != 0.0))
    g.error("optim_args", "nesterov needs a momentum above 0 and no dampening");
}

void adafactor_rules(const Given& g) {
  const Config& c = g.config();
  if (arg(c, "warmup_init") == 1.0 && arg(c, "relative_step") == 0.0)
    g.error("optim_args", "warmup_init needs relative_step: true");
  if (arg(c, "relative_step") != 0.0 && c.learning_rate != 0.0)
    g.warning("learning_rate",
              "has no effect with relative_step: true, where Adafactor's steps follow from their "
              "number");
  if (!c.optim_args.empty())
    g.warning("optim_args", "works here; Axolotl 0.19 reads none of them for adafactor");
}

}  // namespace

void read_optim_args(Config& c, const Node& node, const std::string& key, Report& report) {
  if (node.kind == Node::Kind::map) {
    for (const Entry& e : node.entries) read_arg(c, e.key, e.value, key, report);
    return;
  }
  const auto text = as_text(node);
  if (!text)
    return report.error(
        key, node,
        fmt::format("must be a map or text such as \"momentum=0.9\"; got {}", found(node)));
  std::string rest;
  for (const char ch : *text)
    if (ch != ' ') rest += ch;
  while (!rest.empty()) {
    const std::string mapping = rest.substr(0, rest.find(','));
    rest.erase(0, std::min(rest.size(), mapping.size() + 1));
    const std::size_t equals = mapping.find('=');
    if (equals == std::string::npos || equals == 0)
      return report.error(key, node,
                          fmt::format("must be name=value,name=value; got '{}'", mapping));
    Node value = node;
    value.text = mapping.substr(equals + 1);
    read_arg(c, mapping.substr(0, equals), value, key, report);
  }
}

void optimizer_rules(const Given& g) {
  const Config& c = g.config();
  const KnownOptimizer* optimizer = find_optimizer(c.optimizer);
  if (optimizer == nullptr) return;  // said when it was read
  for (const auto& [name, value] : c.optim_args) {
    const auto& args = optimizer->args;
    const auto known =
        std::find_if(args.begin(), args.end(), [&](const auto& a) { return a.name == name; });
    if (known == args.end())
      unknown_arg(g, *optimizer, name);
    else
      check_arg(g, *known, value);
  }
  if (!optimizer->adam)
    for (const char* key : {"adam_beta1", "adam_beta2", "adam_epsilon"})
      if (g.has(key))
        g.warning(key, fmt::format("has no effect with optimizer: {}", optimizer->name));
  if (optimizer->name == "sgd") sgd_rules(g);
  if (optimizer->name == "adafactor") adafactor_rules(g);
}

}  // namespace axl::config
