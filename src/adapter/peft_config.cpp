#include "adapter/peft_config.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/json.hpp"

namespace axl::adapter {
namespace {

using json = nlohmann::ordered_json;  // the first match of a pattern wins

constexpr std::uintmax_t kMaxConfigBytes = std::uintmax_t{16} << 20;
constexpr std::int64_t kMaxRank = std::int64_t{1} << 16;
constexpr std::int64_t kMaxToken = std::int64_t{1} << 31;
constexpr std::int64_t kMaxLayer = std::int64_t{1} << 20;

/// Fields that change nothing about a finished adapter: notes of whoever made it, settings of an
/// initialisation that is over, sizes of features that are off.
constexpr const char* kIgnored[] = {"auto_mapping",  "megatron_core",  "qalora_group_size",
                                    "peft_version",  "runtime_config", "eva_config",
                                    "lora_ga_config"};

class Reader {
 public:
  Reader(const json& root, std::string origin) : root_(root), origin_(std::move(origin)) {}

  [[noreturn]] void refuse(const std::string& key, const std::string& what) const {
    throw Error(ErrorCode::input, what).at({origin_, 0, 0, key});
  }
  /// The value, or nullptr when absent or null. Marks the key as known.
  const json* take(const char* key) {
    known_.emplace_back(key);
    const auto found = root_.find(key);
    return found == root_.end() || found->is_null() ? nullptr : &*found;
  }
  void boolean(const char* key, bool& out) {
    const json* v = take(key);
    if (v == nullptr) return;
    if (!v->is_boolean()) refuse(key, "must be true or false, got " + shown(*v));
    out = v->get<bool>();
  }
  void text(const char* key, std::string& out) {
    const json* v = take(key);
    if (v == nullptr) return;
    if (!v->is_string()) refuse(key, "must be a string, got " + shown(*v));
    out = v->get<std::string>();
  }
  std::int64_t integer(const std::string& key, const json& v, std::int64_t least,
                       std::int64_t most) const {
    const bool small = v.is_number_integer() && v.get<double>() >= static_cast<double>(least) &&
                       v.get<double>() <= static_cast<double>(most);
    if (!small)
      refuse(key, "must be an integer from " + std::to_string(least) + " to " +
                      std::to_string(most) + ", got " + shown(v));
    return v.get<std::int64_t>();
  }
  double real(const std::string& key, const json& v, double least, double most) const {
    const double out = v.is_number() ? v.get<double>() : std::nan("");
    if (!(out >= least && out <= most))
      refuse(key, "must be a number from " + json_text(json(least)) + " to " +
                      json_text(json(most)) + ", got " + shown(v));
    return out;
  }
  std::vector<std::string> strings(const std::string& key, const json& v) const {
    if (v.is_string()) return {v.get<std::string>()};
    if (!v.is_array()) refuse(key, "must be a list of strings, got " + shown(v));
    std::vector<std::string> out;
    for (const json& item : v) {
      if (!item.is_string()) refuse(key, "must be a list of strings, got " + shown(v));
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  void pattern(const char* key, ModulePattern& out) {
    const json* v = take(key);
    if (v == nullptr) return;
    if (v->is_string())
      out.expression = v->get<std::string>();
    else
      out.names = strings(key, *v);
  }
  template <class T, class Convert>
  void pairs(const char* key, std::vector<std::pair<std::string, T>>& out, Convert&& convert) {
    const json* v = take(key);
    if (v == nullptr) return;
    if (!v->is_object()) refuse(key, "must be an object, got " + shown(*v));
    for (const auto& [name, value] : v->items()) out.emplace_back(name, convert(name, value));
  }
  /// Features that have no place here: an error when they are switched on.
  void unsupported(const char* key, const char* what) {
    const json* v = take(key);
    if (v == nullptr || *v == false || ((v->is_object() || v->is_array()) && v->empty())) return;
    throw Error(ErrorCode::unsupported,
                std::string(what) + " (" + key + ": " + shown(*v) + ") is not supported")
        .at({origin_, 0, 0, key});
  }
  void refuse_unknown() const {
    for (const auto& [key, v] : root_.items()) {
      const bool off = v.is_null() || v == false || (v.is_structured() && v.empty());
      if (!off && std::find(known_.begin(), known_.end(), key) == known_.end())
        throw Error(ErrorCode::unsupported,
                    "unknown setting with value " + shown(v) + "; it may change the adapter")
            .at({origin_, 0, 0, key});
    }
  }
  static std::string shown(const json& v) {
    const std::string text = json_text(v);
    return text.size() > 60 ? text.substr(0, 60) + "..." : text;
  }

 private:
  const json& root_;
  std::string origin_;
  std::vector<std::string> known_;
};

void refuse_other_features(Reader& in) {
  in.unsupported("use_qalora", "QALoRA");
  in.unsupported("use_bdlora", "BD-LoRA");
  in.unsupported("lora_bias", "a bias of lora_B");
  in.unsupported("megatron_config", "Megatron's parallel layers");
  in.unsupported("layer_replication", "layer replication");
  in.unsupported("target_parameters", "LoRA on bare parameters");
  in.unsupported("alora_invocation_tokens", "activated LoRA");
  in.unsupported("arrow_config", "Arrow routing");
  in.unsupported("kasa_config", "KaSA");
  in.unsupported("monteclora_config", "MonteCLoRA");
  in.unsupported("velora_config", "VeLoRA");
  in.unsupported("corda_config", "CorDA");
  in.unsupported("loftq_config", "LoftQ");
  in.unsupported("ensure_weight_tying", "tying of saved modules");
  // PiSSA and its kin change the base weights too, which the adapter's files do not hold.
  const json* init = in.take("init_lora_weights");
  static constexpr const char* kHarmless[] = {"gaussian", "eva", "orthogonal"};
  if (init != nullptr && init->is_string() &&
      std::none_of(std::begin(kHarmless), std::end(kHarmless),
                   [&](const char* name) { return *init == name; }))
    throw Error(ErrorCode::unsupported,
                "init_lora_weights " + Reader::shown(*init) +
                    " may have changed the base weights, which is not supported")
        .hint("known: true, false, gaussian, eva, orthogonal");
}

/// A list of token ids, or an object that names the embedding.
void read_trainable_tokens(Reader& in, PeftConfig& out) {
  const std::string key = "trainable_token_indices";
  const json* v = in.take(key.c_str());
  if (v == nullptr) return;
  if (v->is_object()) {
    if (v->empty()) return;
    if (v->size() != 1 || !v->begin().key().ends_with("embed_tokens"))
      throw Error(ErrorCode::unsupported,
                  "trainable tokens of other modules than the input embedding (" +
                      Reader::shown(*v) + ") are not supported")
          .at({out.origin, 0, 0, key});
    v = &*v->begin();
  }
  if (!v->is_array()) in.refuse(key, "must be a list of token ids, got " + Reader::shown(*v));
  for (const json& id : *v) out.trainable_tokens.push_back(in.integer(key, id, 0, kMaxToken));
  std::vector<std::int64_t> sorted = out.trainable_tokens;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    in.refuse(key, "names a token twice: " + Reader::shown(*v));
}

void read_rank(Reader& in, PeftConfig& out) {
  if (const json* v = in.take("r")) out.r = in.integer("r", *v, 1, kMaxRank);
}

void read_dropout(Reader& in, const char* key, PeftConfig& out) {
  if (const json* v = in.take(key)) out.lora_dropout = in.real(key, *v, 0.0, 1.0);
}

void read_layers(Reader& in, PeftConfig& out) {
  if (const json* v = in.take("layers_to_transform")) {
    const json list = v->is_array() ? *v : json::array({*v});
    for (const json& item : list)
      out.layers_to_transform.push_back(in.integer("layers_to_transform", item, 0, kMaxLayer));
    out.verbatim["layers_to_transform"] = v->dump();
  }
  if (const json* v = in.take("layers_pattern")) {
    out.layers_pattern = in.strings("layers_pattern", *v);
    if (*v == "") out.layers_pattern.clear();
  }
}

void read_lora(Reader& in, PeftConfig& out) {
  read_rank(in, out);
  if (const json* v = in.take("lora_alpha")) out.lora_alpha = in.real("lora_alpha", *v, -1e9, 1e9);
  read_dropout(in, "lora_dropout", out);
  in.boolean("use_rslora", out.use_rslora);
  in.boolean("use_dora", out.use_dora);
  read_trainable_tokens(in, out);
  in.text("bias", out.bias);
  if (out.bias != "none" && out.bias != "all" && out.bias != "lora_only")
    in.refuse("bias", "must be none, all or lora_only, got '" + out.bias + "'");
  in.pairs("rank_pattern", out.rank_pattern, [&](const std::string& name, const json& v) {
    return in.integer("rank_pattern." + name, v, 1, kMaxRank);
  });
  in.pairs("alpha_pattern", out.alpha_pattern, [&](const std::string& name, const json& v) {
    return in.real("alpha_pattern." + name, v, -1e9, 1e9);
  });
  read_layers(in, out);
  refuse_other_features(in);
  for (const char* key : {"init_lora_weights", "trainable_token_indices"})
    if (const json* v = in.take(key)) out.verbatim[key] = v->dump();
  for (const char* key : kIgnored) in.take(key);
}

void read_ia3(Reader& in, PeftConfig& out) {
  in.pattern("feedforward_modules", out.feedforward_modules);
  if (const json* v = in.take("init_ia3_weights")) out.verbatim["init_ia3_weights"] = v->dump();
}

void read_vera(Reader& in, PeftConfig& out) {
  read_rank(in, out);
  read_dropout(in, "vera_dropout", out);
  in.boolean("save_projection", out.save_projection);
  if (const json* v = in.take("projection_prng_key"))
    out.projection_prng_key =
        static_cast<std::uint64_t>(in.integer("projection_prng_key", *v, 0, std::int64_t{1} << 32));
  if (const json* v = in.take("d_initial")) out.d_initial = in.real("d_initial", *v, -1e9, 1e9);
  in.text("bias", out.bias);
  if (out.bias != "none")
    throw Error(ErrorCode::unsupported, "trained biases beside VeRA are not supported")
        .at({out.origin, 0, 0, "bias"});
  read_layers(in, out);
  if (const json* v = in.take("init_weights")) out.verbatim["init_weights"] = v->dump();
}

PeftConfig from_json(const json& root, const std::string& origin) {
  Reader in(root, origin);
  const json* type = in.take("peft_type");
  if (type == nullptr) in.refuse("peft_type", "is missing, so this is no PEFT adapter");
  PeftConfig out;
  out.origin = origin;
  using Read = void (*)(Reader&, PeftConfig&);
  static constexpr std::pair<const char*, Read> kTypes[] = {
      {"LORA", &read_lora}, {"IA3", &read_ia3}, {"VERA", &read_vera}};
  const auto known = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const auto& t) { return *type == t.first; });
  if (known == std::end(kTypes))
    throw Error(ErrorCode::unsupported,
                "adapters of type " + Reader::shown(*type) + " are not supported")
        .at({origin, 0, 0, "peft_type"})
        .hint("supported: LORA, IA3, VERA");
  out.peft_type = known->first;
  in.boolean("fan_in_fan_out", out.fan_in_fan_out);
  in.boolean("inference_mode", out.inference_mode);
  in.pattern("target_modules", out.target_modules);
  if (out.target_modules.empty()) in.refuse("target_modules", "names no module");
  in.pattern("exclude_modules", out.exclude_modules);
  if (const json* v = in.take("modules_to_save"))
    out.modules_to_save = in.strings("modules_to_save", *v);
  in.text("base_model_name_or_path", out.base_model_name_or_path);
  in.text("revision", out.revision);
  in.text("task_type", out.task_type);
  for (const char* key : {"auto_mapping", "peft_version", "runtime_config"}) in.take(key);
  known->second(in, out);
  in.refuse_unknown();
  return out;
}

nlohmann::json number(double value) {  // PEFT's lora_alpha is an integer wherever it can be
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  return whole ? nlohmann::json(static_cast<std::int64_t>(value)) : nlohmann::json(value);
}

template <class List>
nlohmann::json list_or_null(const List& list) {
  return list.empty() ? nlohmann::json(nullptr) : nlohmann::json(list);
}

nlohmann::json pattern_json(const ModulePattern& pattern) {
  if (!pattern.expression.empty()) return pattern.expression;
  return list_or_null(pattern.names);
}

nlohmann::json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::json(nullptr) : nlohmann::json(text);
}

void write_layers(const PeftConfig& c, nlohmann::json& out) {
  out["layers_to_transform"] = list_or_null(c.layers_to_transform);
  out["layers_pattern"] = c.layers_pattern.size() == 1 ? nlohmann::json(c.layers_pattern.front())
                                                       : list_or_null(c.layers_pattern);
}

void write_lora(const PeftConfig& c, nlohmann::json& out) {
  for (const char* key : {"alora_invocation_tokens", "arrow_config", "corda_config", "eva_config",
                          "kasa_config", "layer_replication", "lora_ga_config", "megatron_config",
                          "monteclora_config", "target_parameters", "use_bdlora", "velora_config"})
    out[key] = nullptr;
  for (const char* key : {"ensure_weight_tying", "lora_bias", "use_qalora"}) out[key] = false;
  out["loftq_config"] = nlohmann::json::object();
  out["megatron_core"] = "megatron.core";
  out["qalora_group_size"] = 16;
  out["init_lora_weights"] = true;
  out["r"] = c.r;
  out["lora_alpha"] = number(c.lora_alpha);
  out["lora_dropout"] = c.lora_dropout;
  out["use_rslora"] = c.use_rslora;
  out["use_dora"] = c.use_dora;
  out["trainable_token_indices"] = list_or_null(c.trainable_tokens);
  out["bias"] = c.bias;
  out["rank_pattern"] = nlohmann::json::object();
  for (const auto& [name, rank] : c.rank_pattern) out["rank_pattern"][name] = rank;
  out["alpha_pattern"] = nlohmann::json::object();
  for (const auto& [name, alpha] : c.alpha_pattern) out["alpha_pattern"][name] = number(alpha);
  write_layers(c, out);
}

void write_ia3(const PeftConfig& c, nlohmann::json& out) {
  out["feedforward_modules"] = pattern_json(c.feedforward_modules);
  out["init_ia3_weights"] = true;
}

void write_vera(const PeftConfig& c, nlohmann::json& out) {
  out["r"] = c.r;
  out["vera_dropout"] = c.lora_dropout;
  out["projection_prng_key"] = c.projection_prng_key;
  out["save_projection"] = c.save_projection;
  out["d_initial"] = c.d_initial;
  out["init_weights"] = true;
  out["bias"] = c.bias;
  write_layers(c, out);
}

}  // namespace

PeftConfig read_peft_config(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code problem;
  const fs::path file =
      fs::is_directory(path, problem) ? fs::path(path) / "adapter_config.json" : fs::path(path);
  if (!is_there(file))
    throw Error(ErrorCode::input, "cannot read " + file.string() + ": there is no such file")
        .hint("an adapter folder holds adapter_config.json and adapter_model.safetensors");
  json root;
  try {
    root = parse_json<json>(read_text(file, kMaxConfigBytes));
  } catch (const json::exception& e) {
    throw Error(ErrorCode::input, file.string() + ": not valid JSON: " + e.what());
  }
  if (!root.is_object()) throw Error(ErrorCode::input, file.string() + ": must be a JSON object");
  return from_json(root, file.string());
}

std::string peft_config_json(const PeftConfig& c) {
  nlohmann::json out;  // sorts its keys, as PEFT does
  out["auto_mapping"] = nullptr;
  out["peft_type"] = c.peft_type;
  out["peft_version"] = "0.21.2";  // the version whose fields these are
  out["fan_in_fan_out"] = c.fan_in_fan_out;
  out["target_modules"] = pattern_json(c.target_modules);
  if (c.peft_type != "VERA") out["exclude_modules"] = pattern_json(c.exclude_modules);
  out["modules_to_save"] = list_or_null(c.modules_to_save);
  out["base_model_name_or_path"] = text_or_null(c.base_model_name_or_path);
  out["revision"] = text_or_null(c.revision);
  out["task_type"] = text_or_null(c.task_type);
  out["inference_mode"] = c.inference_mode;
  if (c.peft_type == "IA3")
    write_ia3(c, out);
  else if (c.peft_type == "VERA")
    write_vera(c, out);
  else
    write_lora(c, out);
  for (const auto& [key, value] : c.verbatim) out[key] = parse_json<nlohmann::json>(value);
  return json_text(out, 2);
}

}  // namespace axl::adapter
