#include <fmt/format.h>

#include <filesystem>

#include "config/config.hpp"
#include "hub/names.hpp"

namespace axl::config {
namespace {

namespace fs = std::filesystem;

bool there(const std::string& path) {
  std::error_code ec;
  return fs::exists(path, ec);
}

Finding missing(UserLocation where, const std::string& path, const char* what) {
  Finding f;
  f.where = std::move(where);
  f.message = fmt::format("no such {}: '{}'", what, path);
  f.hint = hub::hint_of_remote(path);
  if (!f.hint.empty()) return f;
  if (path.front() != '/')
    f.hint = fmt::format("looked for it from {}", fs::current_path().string());
  return f;
}

void check_dataset(const Config& config, const DatasetConfig& d, std::vector<Finding>& out) {
  const auto place = [&](const char* member) {
    const std::string key = d.where.key + "." + member;
    const auto it = config.locations.find(key);
    UserLocation where = it == config.locations.end() ? d.where : it->second;
    where.key = key;
    return where;
  };
  const fs::path yaml_folder = fs::path(d.where.file).parent_path();
  const auto readable = [&yaml_folder](const std::string& path) {
    // A pattern is expanded by the reader of the rows, which says when nothing matches.
    return path.find_first_of("*?[") != std::string::npos || there(path) ||
           path.starts_with("https://") || path.starts_with("http://") ||
           (fs::path(path).is_relative() && there((yaml_folder / path).string()));
  };
  const bool loader_name =
      !d.data_files.empty() && (d.path == "json" || d.path == "text" || d.path == "csv" ||
                                d.path == "parquet" || d.path == "arrow");
  // Names of the Hub are looked for when their rows are read; _synthetic has no files.
  if (d.type == "_synthetic" ||
      (!loader_name && !readable(d.path) && hub::is_repository_name(d.path)))
    return;
  if (!loader_name && !d.path.empty() && !readable(d.path))
    out.push_back(missing(place("path"), d.path, "file or folder"));
  for (const std::string& file : d.data_files)
    if (!readable(file) && !readable((fs::path(loader_name ? "" : d.path) / file).string()))
      out.push_back(missing(place("data_files"), file, "file"));
}

/// Jinja text holds braces; a path does not.
bool is_template_path(const std::string& text) {
  return text.find('{') == std::string::npos && text.find('\n') == std::string::npos;
}

}  // namespace

std::string Config::model_source() const {
  const bool main = model_revision.empty() || model_revision == "main";
  return main || !hub::is_repository_name(base_model) || base_model.find('@') != std::string::npos
             ? base_model
             : base_model + "@" + model_revision;
}

std::string Config::tokenizer_source() const {
  return tokenizer_config.empty() || tokenizer_config == base_model ? model_source()
                                                                    : tokenizer_config;
}

std::vector<Finding> check_files(const Config& config) {
  std::vector<Finding> out;
  const auto check = [&](const char* key, const std::string& path, const char* what) {
    if (!path.empty() && !there(path) && !hub::is_repository_name(path))
      out.push_back(missing(config.at(key), path, what));
  };
  check("base_model", config.base_model, "model folder or .gguf file");
  check("base_model_config", config.base_model_config, "model folder");
  check("tokenizer_config", config.tokenizer_config, "tokenizer folder or file");
  check("lora_model_dir", config.lora_model_dir, "adapter folder");
  check("resume_from_checkpoint", config.resume_from_checkpoint, "checkpoint folder");
  if (is_template_path(config.chat_template_jinja))
    check("chat_template_jinja", config.chat_template_jinja, "template file");
  for (const auto* list : {&config.datasets, &config.test_datasets, &config.pretraining_dataset})
    for (const DatasetConfig& d : *list) check_dataset(config, d, out);
  return out;
}

}  // namespace axl::config
