// Where a tokenizer's chat templates lie. As in transformers, files with the ending .jinja win over
// tokenizer_config.json; chat_template.json, which older processors had, is asked last.
#include <algorithm>
#include <filesystem>
#include <vector>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "tokenizer/config_file.hpp"
#include "tokenizer/tokenizer_parts.hpp"

namespace axl::tokenizer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Names become file names when the tokenizer is saved.
void keep(const std::string& name, std::string text, const fs::path& file, TokenizerParts& parts) {
  if (name == "default") {
    parts.chat_template = std::move(text);
    return;
  }
  static constexpr const char* kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (name.empty() || name[0] == '.' || name.find_first_not_of(kLetters) != std::string::npos)
    throw Error(ErrorCode::input, "'" + name + "' cannot name a chat template")
        .at({file.string(), 0, 0, "chat_template"})
        .hint("letters, digits, '_', '-' and '.' can");
  parts.other_chat_templates[name] = std::move(text);
}

/// One template, or a list of named ones.
void read_template(const Json& value, const fs::path& file, TokenizerParts& parts) {
  if (value.is_string()) parts.chat_template = value.get<std::string>();
  if (!value.is_array()) return;
  for (const Json& item : value)
    if (item.is_object() && item.contains("name") && item["name"].is_string() &&
        item.contains("template") && item["template"].is_string())
      keep(item["name"].get<std::string>(), item["template"].get<std::string>(), file, parts);
}

}  // namespace

void read_chat_templates(const std::string& folder, TokenizerParts& parts) {
  const fs::path dir(folder);
  if (parts.config.contains("chat_template"))
    read_template(parts.config["chat_template"], dir / "tokenizer_config.json", parts);
  const fs::path json_file = dir / "chat_template.json";
  if (parts.chat_template.empty() && is_there(json_file)) {
    const Json value = read_object(json_file);
    if (value.contains("chat_template")) read_template(value["chat_template"], json_file, parts);
  }
  const fs::path jinja = dir / "chat_template.jinja";
  if (is_there(jinja)) {
    parts.other_chat_templates.clear();
    parts.chat_template = read_text(jinja);
    if (parts.chat_template.empty())
      throw Error(ErrorCode::input, "is empty").at({jinja.string(), 0, 0, ""});
  }
  const fs::path others = dir / "chat_templates";
  std::error_code failed;
  if (!fs::is_directory(others, failed)) return;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(others, failed))
    if (entry.path().extension() == ".jinja") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) keep(file.stem().string(), read_text(file), file, parts);
}

}  // namespace axl::tokenizer
