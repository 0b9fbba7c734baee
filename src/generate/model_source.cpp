#include "generate/model_source.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>

#include "adapter/peft_config.hpp"
#include "core/error.hpp"
#include "hub/names.hpp"

namespace axl::generate {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_adapter(const fs::path& folder) {
  return is_file(folder / "adapter_config.json") && is_file(folder / "adapter_model.safetensors");
}

bool is_model(const fs::path& folder) {
  return is_file(folder / "config.json") && (is_file(folder / "model.safetensors") ||
                                             is_file(folder / "model.safetensors.index.json"));
}

/// The adapter of the checkpoint-STEP folder with the highest step; "" when there is none.
std::string newest_checkpoint_adapter(const fs::path& output) {
  constexpr std::string_view kName = "checkpoint-";
  std::int64_t newest = -1;
  std::string found;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(output, absent)) {
    const std::string name = entry.path().filename().string();
    std::int64_t step = -1;
    if (!name.starts_with(kName)) continue;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + kName.size(), end, step);
    if (parsed.ec != std::errc() || parsed.ptr != end || step <= newest) continue;
    for (const fs::path& folder : {entry.path(), entry.path() / "adapter"})
      if (is_adapter(folder)) {
        newest = step;
        found = folder.string();
      }
  }
  return found;
}

}  // namespace

SourceKind kind_of_source(const std::string& path) {
  std::error_code ignored;
  const fs::path p(path);
  if (!fs::exists(p, ignored))
    throw Error(ErrorCode::input, path + ": there is no such file or folder")
        .hint("name a configuration (YAML), a model folder, a GGUF file or an adapter folder");
  const std::string suffix = p.extension().string();
  if (fs::is_directory(p, ignored)) {
    if (is_file(p / "config.json")) return SourceKind::model;
    if (is_file(p / "adapter_config.json")) return SourceKind::adapter;
    for (const auto& e : fs::directory_iterator(p, ignored))
      if (e.path().extension() == ".yaml" || e.path().extension() == ".yml")
        return SourceKind::config;
    throw Error(ErrorCode::input,
                path + ": holds no config.json, no adapter_config.json and no YAML file");
  }
  if (suffix == ".gguf" || suffix == ".safetensors") return SourceKind::model;
  return SourceKind::config;
}

ModelSource source_of_config(const config::Config& config, bool with_output) {
  ModelSource out{.model = config.model_source(), .tokenizer = config.tokenizer_source()};
  if (!with_output) return out;
  const std::string& output = config.output_dir;
  if (is_adapter(output)) {
    out.adapter = output;
  } else if (is_adapter(fs::path(output) / "adapter")) {
    out.adapter = (fs::path(output) / "adapter").string();
  } else if (std::string found = newest_checkpoint_adapter(output); !found.empty()) {
    out.adapter = std::move(found);
  } else if (is_model(output)) {
    out.model = output;
    out.notes.push_back("the model is the one in output_dir");
  } else {
    out.notes.push_back("nothing has been trained into " + output + " yet: the base model answers");
  }
  return out;
}

ModelSource source_of_adapter(const std::string& folder) {
  const adapter::PeftConfig peft = adapter::read_peft_config(folder);
  std::string base = peft.base_model_name_or_path;
  std::error_code ignored;
  if (hub::is_repository_name(base)) {
    if (!peft.revision.empty()) base += "@" + peft.revision;
  } else if (base.empty() || !fs::exists(base, ignored))
    throw Error(ErrorCode::input, folder + ": its base model '" + base + "' is not a folder here")
        .hint("name the model itself: axolotl-hpc inference MODEL --adapter " + folder);
  return source_of_model(base, folder);
}

ModelSource source_of_model(const std::string& model, const std::string& adapter) {
  const bool own = !adapter.empty() && is_file(fs::path(adapter) / "tokenizer.json");
  return {.model = model, .tokenizer = own ? adapter : model, .adapter = adapter};
}

std::vector<tokenizer::TokenId> stop_tokens(const std::vector<std::int64_t>& model_eos,
                                            const tokenizer::Tokenizer& tokenizer,
                                            const std::string& chat_template,
                                            const std::vector<std::string>& eot_tokens) {
  std::vector<std::int64_t> ids = model_eos;
  if (const auto eos = tokenizer.eos_id()) ids.push_back(*eos);
  for (const std::string& token : eot_tokens)
    if (const auto id = tokenizer.token_to_id(token)) ids.push_back(*id);
  for (const char* token :
       {"<|im_end|>", "<|eot_id|>", "<|eot|>", "<end_of_turn>", "<|end|>", "<|end_of_turn|>"}) {
    const auto id = tokenizer.token_to_id(token);
    if (id && chat_template.find(token) != std::string::npos) ids.push_back(*id);
  }
  std::vector<tokenizer::TokenId> out;
  for (const std::int64_t id : ids)
    if (id >= 0 && id < tokenizer.vocab_size()) out.push_back(static_cast<tokenizer::TokenId>(id));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace axl::generate
