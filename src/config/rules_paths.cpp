#include <fmt/format.h>

#include <cctype>
#include <filesystem>

#include "config/given.hpp"

// A shell turns ~ and $VAR into paths; a configuration is read by no shell, here and in Axolotl.
// What looks like one of them would become a folder of that name.
namespace axl::config {
namespace {

/// "~" or "$SCRATCH" where the path begins so or holds it, else "".
std::string shell_word(const std::string& path) {
  if (path.starts_with('~')) return path.substr(0, path.find('/'));
  const std::size_t at = path.find('$');
  if (at == std::string::npos || at + 1 >= path.size()) return "";
  if (path[at + 1] == '{') {
    const std::size_t end = path.find('}', at);
    return end == std::string::npos ? "" : path.substr(at, end - at + 1);
  }
  std::size_t end = at + 1;
  while (end < path.size() &&
         (std::isalnum(static_cast<unsigned char>(path[end])) || path[end] == '_'))
    ++end;
  return end == at + 1 ? "" : path.substr(at, end - at);
}

void check(const Given& g, const UserLocation& where, const std::string& path) {
  const std::string word = shell_word(path);
  std::error_code ignored;
  if (word.empty() || std::filesystem::exists(path, ignored)) return;
  g.error_at(
      where, fmt::format("'{}' is not expanded in a configuration", word),
      word.starts_with('~')
          ? "write the whole path, or give it on the command line, where the shell expands it"
          : fmt::format("write the whole path, or give it on the command line: --{} \"{}/...\"",
                        where.key, word));
}

}  // namespace

void path_rules(const Given& g) {
  const Config& c = g.config();
  const auto key = [&](const char* name, const std::string& path) {
    if (g.has(name)) check(g, g.at(name), path);
  };
  key("output_dir", c.output_dir);
  key("dataset_prepared_path", c.dataset_prepared_path);
  key("base_model", c.base_model);
  key("base_model_config", c.base_model_config);
  key("tokenizer_config", c.tokenizer_config);
  key("lora_model_dir", c.lora_model_dir);
  key("resume_from_checkpoint", c.resume_from_checkpoint);
  for (const char* name : {"deepspeed", "logging_dir", "profiler_steps_path"})
    if (const Node* node = g.find(name); node != nullptr && node->kind == Node::Kind::scalar)
      key(name, node->text);
  // Jinja has both signs in its texts; a path has no braces.
  if (c.chat_template_jinja.find_first_of("{\n") == std::string::npos)
    key("chat_template_jinja", c.chat_template_jinja);
  for (const auto* list : {&c.datasets, &c.test_datasets, &c.pretraining_dataset})
    for (const DatasetConfig& d : *list) {
      const auto member = [&](const char* name, const std::string& path) {
        UserLocation where = c.at(d.where.key + "." + name);
        if (where.line == 0 && where.file.empty()) where = d.where;
        where.key = d.where.key + "." + name;
        check(g, where, path);
      };
      member("path", d.path);
      for (const std::string& file : d.data_files) member("data_files", file);
      if (d.chat_template_jinja.find_first_of("{\n") == std::string::npos)
        member("chat_template_jinja", d.chat_template_jinja);
    }
}

}  // namespace axl::config
