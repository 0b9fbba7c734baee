#include "adapter/peft_files.hpp"

#include <algorithm>
#include <filesystem>

#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/input_file.hpp"

namespace axl::adapter {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kBaseLayer = ".base_layer.";
constexpr std::string_view kWeight = ".weight";

struct Suffix {
  std::string_view text;
  AdapterRole role;
};
constexpr Suffix kSuffixes[] = {{".lora_A.weight", AdapterRole::lora_a},
                                {".lora_B.weight", AdapterRole::lora_b},
                                {".lora_embedding_A", AdapterRole::embedding_a},
                                {".lora_embedding_B", AdapterRole::embedding_b},
                                {".lora_magnitude_vector", AdapterRole::magnitude},
                                {".ia3_l", AdapterRole::ia3_l},
                                {".vera_lambda_b", AdapterRole::vera_b},
                                {".vera_lambda_d", AdapterRole::vera_d},
                                {".token_adapter.trainable_tokens_delta", AdapterRole::token_rows}};

/// Tensors that belong to no module.
constexpr Suffix kShared[] = {{"base_model.vera_A", AdapterRole::vera_a_shared},
                              {"base_model.vera_B", AdapterRole::vera_b_shared}};

struct Foreign {
  std::string_view part;
  const char* what;
};
constexpr Foreign kForeign[] = {{".lora_A.bias", "a bias of lora_A"},
                                {".lora_B.bias", "a bias of lora_B"},
                                {".lora_", "another kind of LoRA"}};

std::string shape_text(const weights::TensorEntry& t) {
  std::string out;
  for (const std::int64_t d : t.shape) out += (out.empty() ? "" : ", ") + std::to_string(d);
  return "(" + out + ")";
}

AdapterTensor classify(const weights::TensorEntry& entry, const PeftConfig& config,
                       const std::string& path) {
  std::string_view name = entry.name;
  for (const Suffix& s : kShared)
    if (name == s.text) return {s.role, "", &entry};
  if (!name.starts_with(kPrefix))
    throw Error(ErrorCode::input, path + ": tensor '" + entry.name + "' does not start with '" +
                                      std::string(kPrefix) + "', so this is no PEFT adapter");
  name.remove_prefix(kPrefix.size());
  for (const Suffix& s : kSuffixes)
    if (name.ends_with(s.text))
      return {s.role, std::string(name.substr(0, name.size() - s.text.size())), &entry};
  for (const Foreign& f : kForeign)
    if (name.find(f.part) != std::string_view::npos)
      throw Error(ErrorCode::unsupported, path + ": tensor '" + entry.name + "' belongs to " +
                                              f.what + ", which is not supported");
  std::string parameter(name);
  const std::size_t wrapped = parameter.rfind(kBaseLayer);
  if (wrapped != std::string::npos) parameter.replace(wrapped, kBaseLayer.size(), ".");
  // Biases may be trained beside an adapter; a weight only as one of modules_to_save.
  const bool frozen = parameter.ends_with(kWeight) &&
                      !config.saves_whole(parameter.substr(0, parameter.size() - kWeight.size()));
  return {frozen ? AdapterRole::base_copy : AdapterRole::parameter, std::move(parameter), &entry};
}

bool is_matrix(AdapterRole role) {
  return role == AdapterRole::lora_a || role == AdapterRole::lora_b ||
         role == AdapterRole::embedding_a || role == AdapterRole::embedding_b;
}

}  // namespace

AdapterFiles::AdapterFiles(std::string folder, PeftConfig config,
                           std::shared_ptr<const weights::WeightFile> weights)
    : folder_(std::move(folder)), config_(std::move(config)), weights_(std::move(weights)) {
  for (const weights::TensorEntry& t : weights_->tensors())
    tensors_.push_back(classify(t, config_, folder_ + "/adapter_model.safetensors"));
}

AdapterFiles AdapterFiles::open(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  PeftConfig config = read_peft_config(folder);
  const fs::path file = fs::path(folder) / "adapter_model.safetensors";
  if (!is_there(file))
    throw Error(ErrorCode::input, folder + ": holds no adapter_model.safetensors")
        .hint(fs::exists(fs::path(folder) / "adapter_model.bin", ignored)
                  ? "adapter_model.bin is a pickle, which is never loaded; save it again with PEFT"
                  : "name a folder that PEFT's save_pretrained or axolotl-hpc wrote");
  AdapterFiles out(
      folder, std::move(config),
      std::make_shared<const weights::WeightFile>(weights::WeightFile::open(file.string())));
  out.check();
  return out;
}

const weights::TensorEntry* AdapterFiles::find(AdapterRole role, const std::string& name) const {
  for (const AdapterTensor& t : tensors_)
    if (t.role == role && t.name == name) return t.entry;
  return nullptr;
}

void AdapterFiles::refuse(const AdapterTensor& t, const std::string& what) const {
  throw Error(ErrorCode::input,
              folder_ + "/adapter_model.safetensors: tensor '" + t.entry->name + "' " + what);
}

void AdapterFiles::check_matrix(const AdapterTensor& t, const Has& has) const {
  const bool embedding = t.role == AdapterRole::embedding_a || t.role == AdapterRole::embedding_b;
  const bool is_a = t.role == AdapterRole::lora_a || t.role == AdapterRole::embedding_a;
  const AdapterRole partner = embedding
                                  ? (is_a ? AdapterRole::embedding_b : AdapterRole::embedding_a)
                                  : (is_a ? AdapterRole::lora_b : AdapterRole::lora_a);
  if (!has(partner, t.name)) refuse(t, std::string("has no partner lora_") + (is_a ? "B" : "A"));
  if (config_.use_dora && !embedding && !has(AdapterRole::magnitude, t.name))
    refuse(t, "has no lora_magnitude_vector, which DoRA needs");
  if (!config_.targets(t.name))
    refuse(t, "belongs to a module that adapter_config.json does not target");
  const std::int64_t rank = config_.rank_of(t.name);
  const std::vector<std::int64_t>& shape = t.entry->shape;
  if (shape.size() != 2 || shape[is_a ? 0 : 1] != rank || shape[is_a ? 1 : 0] < 1)
    refuse(t, "has shape " + shape_text(*t.entry) + ", but its rank is " + std::to_string(rank));
}

/// Of methods whose tensors stand for themselves.
void AdapterFiles::check_vectors() const {
  std::int64_t found = 0;
  for (const AdapterTensor& t : tensors_) {
    if (t.role == AdapterRole::parameter || t.role == AdapterRole::base_copy) continue;
    const bool belongs = config_.peft_type == "IA3"
                             ? t.role == AdapterRole::ia3_l
                             : t.role == AdapterRole::vera_b || t.role == AdapterRole::vera_d;
    if (t.role == AdapterRole::vera_a_shared || t.role == AdapterRole::vera_b_shared) {
      if (config_.peft_type == "VERA") continue;
    }
    if (!belongs) refuse(t, "does not belong to an adapter of type " + config_.peft_type);
    ++found;
    if (!config_.targets(t.name))
      refuse(t, "belongs to a module that adapter_config.json does not target");
  }
  if (found == 0)
    throw Error(
        ErrorCode::input,
        folder_ + "/adapter_model.safetensors: holds no tensors of type " + config_.peft_type);
}

void AdapterFiles::check() const {
  if (config_.peft_type != "LORA") return check_vectors();
  std::vector<std::pair<AdapterRole, std::string_view>> sorted;
  for (const AdapterTensor& t : tensors_) sorted.emplace_back(t.role, t.name);
  std::sort(sorted.begin(), sorted.end());
  bool any = false;
  const auto has = [&](AdapterRole role, std::string_view name) {
    return std::binary_search(sorted.begin(), sorted.end(), std::pair(role, name));
  };
  for (const AdapterTensor& t : tensors_) {
    const std::vector<std::int64_t>& shape = t.entry->shape;
    if (t.role == AdapterRole::token_rows) {
      any = true;
      const auto n = static_cast<std::int64_t>(config_.trainable_tokens.size());
      if (shape.size() != 2 || shape[0] != n)
        refuse(t, "has shape " + shape_text(*t.entry) + ", but trainable_token_indices names " +
                      std::to_string(n) + " tokens");
    } else if (t.role == AdapterRole::magnitude) {
      if (has(AdapterRole::embedding_a, t.name))
        throw Error(ErrorCode::unsupported, folder_ + "/adapter_model.safetensors: tensor '" +
                                                t.entry->name +
                                                "' belongs to DoRA on an embedding, which is not "
                                                "supported");
      if (!config_.use_dora) refuse(t, "belongs to DoRA, which adapter_config.json does not use");
      if (!has(AdapterRole::lora_a, t.name)) refuse(t, "has no partner lora_A");
    } else if (is_matrix(t.role)) {
      any = true;
      check_matrix(t, has);
    }
  }
  if (!any)
    throw Error(ErrorCode::input, folder_ + "/adapter_model.safetensors: holds no LoRA tensors");
}

bool saves_base_copy(const PeftConfig& config, const std::string& module) {
  static constexpr std::string_view kEmbeddings[] = {"embed_tokens", "lm_head"};
  // PEFT's rules: token rows are there to keep files small; a regular expression counts by what it
  // matches, a list only by the short names.
  if (!config.trainable_tokens.empty()) return false;
  const std::vector<std::string>& names = config.target_modules.names;
  const auto is_listed = [&](auto name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool named = !config.target_modules.expression.empty() ||
                     std::any_of(std::begin(kEmbeddings), std::end(kEmbeddings), is_listed);
  return named && config.targets(module) &&
         std::any_of(std::begin(kEmbeddings), std::end(kEmbeddings),
                     [&](auto name) { return module.ends_with(name); });
}

std::string adapter_tensor_name(AdapterRole role, const std::string& name,
                                const PeftConfig& config) {
  std::string out(kPrefix);
  for (const Suffix& s : kSuffixes)
    if (s.role == role) return out + name + std::string(s.text);
  for (const Suffix& s : kShared)
    if (s.role == role) return std::string(s.text);
  AXL_CHECK(role == AdapterRole::parameter || role == AdapterRole::base_copy, "no suffix");
  const std::size_t dot = name.rfind('.');
  AXL_CHECK(dot != std::string::npos, "parameter " + name + " has no module");
  const std::string module = name.substr(0, dot);
  return out + module + (config.targets(module) ? std::string(kBaseLayer) : ".") +
         name.substr(dot + 1);
}

void write_adapter(const std::string& folder, const PeftConfig& config,
                   std::vector<weights::TensorToWrite> tensors) {
  std::sort(tensors.begin(), tensors.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  weights::write_safetensors(folder + "/adapter_model.safetensors", tensors);
  write_durably(folder + "/adapter_config.json", peft_config_json(config));
}

}  // namespace axl::adapter
