// Which modules an adapter_config.json means: the rules of PEFT's check_target_module_exists and
// get_pattern_key, so that both programs put LoRA on the same modules.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "adapter/peft_config.hpp"
#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/pattern.hpp"

namespace axl::adapter {
namespace {

/// The file says where a bad expression comes from.
template <class Use>
auto with_pattern(const std::string& text, const PeftConfig& config, const Use& use) {
  try {
    return use(Pattern(text));
  } catch (const Error& e) {
    throw Error(e.code(), e.message()).at({config.origin, 0, 0, ""});
  }
}

bool matches(const std::string& text, const std::string& module, const PeftConfig& config) {
  return with_pattern(text, config, [&](const Pattern& p) { return p.match(module); });
}

bool matches_whole(const std::string& text, const std::string& module, const PeftConfig& config) {
  return with_pattern(text, config, [&](const Pattern& p) { return p.fullmatch(module); });
}

bool is_or_ends_in(const std::string& module, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return module == name || module.ends_with("." + name);
  });
}

bool in_chosen_layer(const std::string& module, const PeftConfig& config) {
  if (config.layers_to_transform.empty()) return true;
  std::vector<std::string> expressions;
  if (config.layers_pattern.empty()) expressions.emplace_back(R"(.*?\.[^.]*\.(\d+)\.)");
  for (const std::string& pattern : config.layers_pattern)
    expressions.push_back("(?:^|.*?\\.)(?:" + pattern + ")\\.(?<idx>\\d+)\\.");
  for (const std::string& text : expressions) {
    const auto digits =
        with_pattern(text, config, [&](const Pattern& p) { return p.first_group(module); });
    if (!digits) continue;
    std::int64_t layer = -1;
    std::from_chars(digits->data(), digits->data() + digits->size(), layer);
    return std::find(config.layers_to_transform.begin(), config.layers_to_transform.end(), layer) !=
           config.layers_to_transform.end();
  }
  return false;
}

bool is_all_linear(const std::string& text) { return ascii_lower(text) == "all-linear"; }

template <class T>
T lookup(const std::vector<std::pair<std::string, T>>& pattern, const std::string& module,
         T otherwise, const PeftConfig& config) {
  for (const auto& [key, value] : pattern)
    if (matches("(?:.*\\.)?(?:" + key + ")$", module, config)) return value;
  return otherwise;
}

}  // namespace

bool PeftConfig::saves_whole(const std::string& module) const {
  // Every module whose name ends so, at a dot or not, and all that is in it.
  for (std::size_t end = module.find('.');; end = module.find('.', end + 1)) {
    const std::string outer = module.substr(0, end);
    for (const std::string& m : modules_to_save)
      if (outer.ends_with(m)) return true;
    if (end == std::string::npos) return false;
  }
}

bool PeftConfig::targets(const std::string& module) const {
  if (!exclude_modules.expression.empty() ? matches_whole(exclude_modules.expression, module, *this)
                                          : is_or_ends_in(module, exclude_modules.names))
    return false;
  for (const std::string& m : modules_to_save)
    if (matches("(?:^|.*\\.)" + m + "(?:$|\\..*)", module, *this)) return false;
  if (is_all_linear(target_modules.expression))
    return !is_or_ends_in(module,
                          {"lm_head", "embed_out", "embed_tokens", "embed_in", "wte", "wpe"});
  if (!target_modules.expression.empty())
    return matches_whole(target_modules.expression, module, *this);
  if (std::find(target_modules.names.begin(), target_modules.names.end(), module) !=
      target_modules.names.end())
    return true;
  return is_or_ends_in(module, target_modules.names) && in_chosen_layer(module, *this);
}

bool PeftConfig::is_feedforward(const std::string& module) const {
  if (!feedforward_modules.expression.empty())
    return matches_whole(feedforward_modules.expression, module, *this);
  return std::any_of(feedforward_modules.names.begin(), feedforward_modules.names.end(),
                     [&](const std::string& name) { return module.ends_with(name); });
}

std::int64_t PeftConfig::rank_of(const std::string& module) const {
  return lookup(rank_pattern, module, r, *this);
}

double PeftConfig::alpha_of(const std::string& module) const {
  return lookup(alpha_pattern, module, lora_alpha, *this);
}

double PeftConfig::scaling_of(const std::string& module) const {
  const auto rank = static_cast<double>(rank_of(module));
  return alpha_of(module) / (use_rslora ? std::sqrt(rank) : rank);
}

}  // namespace axl::adapter
