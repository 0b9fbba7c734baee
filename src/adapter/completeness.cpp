#include "adapter/completeness.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "core/error.hpp"
#include "core/pattern.hpp"
#include "core/suggest.hpp"

namespace axl::adapter {
namespace {

constexpr std::string_view kWeight = ".weight";
constexpr std::string_view kBias = ".bias";
constexpr std::size_t kMostShown = 4;

/// The number in "model.layers.12.mlp", or -1.
std::int64_t layer_of(std::string_view name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    std::int64_t n = -1;
    const auto parsed = std::from_chars(name.data() + begin, name.data() + end, n);
    if (end > begin && parsed.ec == std::errc() && parsed.ptr == name.data() + end) return n;
    begin = end + 1;
  }
  return -1;
}

bool has_bias(const weights::ModelConfig& config, const std::string& parameter) {
  if (parameter.find(".mlp.") != std::string::npos) return config.mlp_bias;
  if (parameter.find(".self_attn.") != std::string::npos) return config.attention_bias;
  return true;
}

std::string shown(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMostShown); ++i)
    out += (i > 0 ? ", '" : "'") + names[i] + "'";
  if (names.size() > kMostShown)
    out += " and " + std::to_string(names.size() - kMostShown) + " more";
  return out;
}

/// The last parts of modules' names, each once: what lists of names usually hold.
std::vector<std::string> short_names(const std::vector<std::string>& modules) {
  std::set<std::string> out;
  for (const std::string& m : modules) out.insert(m.substr(m.rfind('.') + 1));
  return {out.begin(), out.end()};
}

class Unmatching {
 public:
  Unmatching(const PeftConfig& config, const BaseNames& base) : config_(config), base_(base) {}

  template <class Matches>
  void names(const char* field, const std::vector<std::string>& names,
             const std::vector<std::string>& modules, const Matches& matches) {
    for (const std::string& name : names)
      if (std::none_of(modules.begin(), modules.end(),
                       [&](const std::string& module) { return matches(name, module); }))
        add(field, "'" + name + "' matches no module of this model", hint(name, modules));
  }
  template <class T>
  void patterns(const char* field, const std::vector<std::pair<std::string, T>>& patterns) {
    std::vector<std::string> targeted;
    for (const std::string& m : base_.matrices)
      if (config_.targets(m)) targeted.push_back(m);
    for (const auto& [key, value] : patterns) {
      const Pattern expression("(?:.*\\.)?(?:" + key + ")$");  // PEFT's get_pattern_key
      if (std::none_of(targeted.begin(), targeted.end(),
                       [&](const std::string& m) { return expression.match(m); }))
        add(field, "'" + key + "' matches no module that has an adapter", hint(key, targeted));
    }
  }
  void layers(const char* field, const std::vector<std::int64_t>& layers) {
    for (const std::int64_t layer : layers)
      if (layer >= base_.layers)
        add(field, "there is no layer " + std::to_string(layer),
            "the model's layers are 0 to " + std::to_string(base_.layers - 1));
  }
  std::vector<Unmatched> take() { return std::move(found_); }

 private:
  void add(const char* field, std::string message, std::string hint) {
    found_.push_back({field, std::move(message), std::move(hint)});
  }
  static std::string hint(const std::string& name, const std::vector<std::string>& modules) {
    const std::vector<std::string> known = short_names(modules);
    std::string near = nearest(name, known);
    if (near.empty()) near = nearest(name, modules);  // somebody wrote a whole name
    if (!near.empty()) return "did you mean '" + near + "'?";
    std::string list;
    for (const std::string& k : known) list += (list.empty() ? "" : ", ") + k;
    return "leave it out; there are: " + list;
  }
  const PeftConfig& config_;
  const BaseNames& base_;
  std::vector<Unmatched> found_;
};

/// What the config declares and what the file holds, side by side.
class Comparison {
 public:
  Comparison(const AdapterFiles& adapter, const BaseNames& base) : adapter_(adapter), base_(base) {
    for (const AdapterTensor& t : adapter.tensors()) held_.emplace(t.role, t.name);
  }

  void find_missing() {
    const PeftConfig& config = adapter_.config();
    for (const std::string& module : base_.matrices) {
      if (config.targets(module)) want_adapter(module);
      if (!config.trainable_tokens.empty() && module.ends_with("embed_tokens"))
        want(AdapterRole::token_rows, module);
    }
    for (const std::string& parameter : base_.parameters) {
      const std::string module = parameter.substr(0, parameter.rfind('.'));
      const bool trained_bias =
          parameter.ends_with(kBias) &&
          (config.bias == "all" || (config.bias == "lora_only" && config.targets(module)));
      if (config.saves_whole(module) || trained_bias) want(AdapterRole::parameter, parameter);
    }
  }
  void find_surplus() {
    const std::set<std::string_view> matrices(base_.matrices.begin(), base_.matrices.end());
    const std::set<std::string_view> parameters(base_.parameters.begin(), base_.parameters.end());
    for (const AdapterTensor& t : adapter_.tensors()) {
      if (t.name.empty()) continue;  // of no module
      const bool whole = t.role == AdapterRole::parameter || t.role == AdapterRole::base_copy;
      if (!(whole ? parameters : matrices).contains(t.name)) surplus_.push_back(t.entry->name);
    }
  }
  void refuse_difference() const {
    if (missing_.empty() && surplus_.empty()) return;
    std::string what = adapter_.folder() + "/adapter_model.safetensors: ";
    if (!missing_.empty())
      what += "lacks " + std::to_string(missing_.size()) + " of the " + std::to_string(wanted_) +
              " tensors that adapter_config.json declares for this base model: " + shown(missing_);
    if (!surplus_.empty())
      what += (missing_.empty() ? "" : "; ") + std::to_string(surplus_.size()) +
              (surplus_.size() == 1 ? " tensor has" : " tensors have") +
              " no counterpart in the base model: " + shown(surplus_);
    const bool other_base = !surplus_.empty();
    throw Error(ErrorCode::input, std::move(what))
        .hint(other_base ? "is this the base model that the adapter was trained on?"
                         : "the file is not whole; where fewer modules are meant, say so in "
                           "adapter_config.json (target_modules, exclude_modules, "
                           "layers_to_transform, modules_to_save)");
  }

 private:
  bool holds(AdapterRole role, const std::string& name) const {
    return held_.contains({role, name});
  }
  void want(AdapterRole role, const std::string& name) {
    ++wanted_;
    if (!holds(role, name)) missing_.push_back(adapter_tensor_name(role, name, adapter_.config()));
  }
  void want_adapter(const std::string& module) {
    if (adapter_.config().peft_type == "IA3") return want(AdapterRole::ia3_l, module);
    if (adapter_.config().peft_type != "VERA") return want_lora(module);
    want(AdapterRole::vera_b, module);
    want(AdapterRole::vera_d, module);
  }
  /// Only embeddings have the transposed kind; a file that holds neither is told the usual one.
  void want_lora(const std::string& module) {
    const bool embedding =
        holds(AdapterRole::embedding_a, module) || module.ends_with("embed_tokens");
    want(embedding ? AdapterRole::embedding_a : AdapterRole::lora_a, module);
    want(embedding ? AdapterRole::embedding_b : AdapterRole::lora_b, module);
  }
  const AdapterFiles& adapter_;
  const BaseNames& base_;
  std::set<std::pair<AdapterRole, std::string>> held_;
  std::vector<std::string> missing_, surplus_;
  std::size_t wanted_ = 0;
};

}  // namespace

BaseNames base_names(const weights::ModelConfig& config, const weights::WeightFile& base,
                     const std::string& head) {
  BaseNames out;
  out.layers = config.num_hidden_layers;
  const auto add = [&](const std::string& name, std::size_t dimensions) {
    if (layer_of(name) >= config.num_hidden_layers) return;
    if (name.ends_with(kBias) && has_bias(config, name)) out.parameters.push_back(name);
    if (!name.ends_with(kWeight)) return;
    const std::string module = name.substr(0, name.size() - kWeight.size());
    out.parameters.push_back(name);
    out.modules.push_back(module);
    if (dimensions == 2) out.matrices.push_back(module);
  };
  for (const weights::TensorEntry& t : base.tensors()) add(t.name, t.shape.size());
  if (config.tie_word_embeddings && base.find(head) == nullptr) add(head, 2);
  return out;
}

std::vector<Unmatched> unmatched_names(const PeftConfig& config, const BaseNames& base) {
  const auto is_or_ends_in = [](const std::string& name, const std::string& module) {
    return module == name || module.ends_with("." + name);
  };
  // A module that holds others, as "mlp" does, may be excluded or saved whole.
  const auto is_part_of = [&](const std::string& name, const std::string& module) {
    PeftConfig probe;
    probe.modules_to_save = {name};
    return probe.saves_whole(module);
  };
  Unmatching u(config, base);
  u.names("target_modules", config.target_modules.names, base.matrices, is_or_ends_in);
  u.names("exclude_modules", config.exclude_modules.names, base.modules, is_part_of);
  u.names("modules_to_save", config.modules_to_save, base.modules, is_part_of);
  u.layers("layers_to_transform", config.layers_to_transform);
  u.patterns("rank_pattern", config.rank_pattern);
  u.patterns("alpha_pattern", config.alpha_pattern);
  return u.take();
}

std::vector<std::string> check_complete(const AdapterFiles& adapter, const BaseNames& base) {
  Comparison comparison(adapter, base);
  comparison.find_missing();
  comparison.find_surplus();
  comparison.refuse_difference();
  std::vector<std::string> notes;
  for (const Unmatched& u : unmatched_names(adapter.config(), base))
    notes.push_back(adapter.config().origin + ": " + u.field + ": " + u.message +
                    " and is left aside (" + u.hint + ")");
  return notes;
}

}  // namespace axl::adapter
