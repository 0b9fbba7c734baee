#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "core/json.hpp"
#include "tokenizer/tokenizer_impl.hpp"

namespace axl::tokenizer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Under a temporary name first, so that a full disk leaves no half file.
void write_file(const fs::path& path, const std::string& text) {
  const fs::path temporary = path.string() + ".tmp";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  std::error_code error;
  if (out) fs::rename(temporary, path, error);
  if (!out || error) {
    fs::remove(temporary, error);
    throw Error(ErrorCode::io, "cannot write the file (disk full or no permission)")
        .at({path.string(), 0, 0, ""});
  }
}

}  // namespace

void Tokenizer::save(const std::string& folder) const {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Error(ErrorCode::io, "cannot create the folder: " + error.message())
        .at({folder, 0, 0, ""});
  const fs::path dir(folder);
  const TokenizerParts& parts = impl_->parts;
  write_file(dir / "tokenizer.json",
             write_tokenizer_json(*impl_->model, impl_->added.all(), parts));
  Json specials = Json::object();
  for (const auto& [name, token] : parts.special) specials[name] = token;
  Json config = parts.config;
  for (const char* name : kSpecialNames)
    if (!parts.special.contains(name)) config.erase(name);  // special_tokens_map.json took it away
  config.update(specials);
  config.erase("added_tokens_decoder");  // tokenizer.json holds them
  config.erase("chat_template");         // chat_template.jinja holds it
  if (!config.contains("tokenizer_class")) config["tokenizer_class"] = "PreTrainedTokenizerFast";
  write_file(dir / "tokenizer_config.json", json_text(config, 2) + "\n");
  write_file(dir / "special_tokens_map.json", json_text(specials, 2) + "\n");
  if (!parts.chat_template.empty()) write_file(dir / "chat_template.jinja", parts.chat_template);
  if (parts.other_chat_templates.empty()) return;
  fs::create_directories(dir / "chat_templates", error);
  for (const auto& [name, text] : parts.other_chat_templates)
    write_file(dir / "chat_templates" / (name + ".jinja"), text);
}

}  // namespace axl::tokenizer
