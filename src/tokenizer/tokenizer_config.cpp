#include <algorithm>
#include <filesystem>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "tokenizer/config_file.hpp"
#include "tokenizer/tokenizer_parts.hpp"

namespace axl::tokenizer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kSpecialNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                         "pad_token", "cls_token", "mask_token"};

/// A special token is written as its text or as an object with a "content".
std::string token_content(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("content") && value["content"].is_string())
    return value["content"].get<std::string>();
  return "";
}

void read_specials(const Json& source, TokenizerParts& parts) {
  for (const char* name : kSpecialNames) {
    if (!source.contains(name)) continue;
    const std::string text = token_content(source[name]);
    if (!text.empty()) parts.special[name] = text;
  }
}

/// added_tokens_decoder lists tokens by id; those that tokenizer.json does not know are added.
void read_added_decoder(const Json& list, const std::string& file, TokenizerParts& parts) {
  if (!list.is_object()) return;
  const auto flag = [](const Json& o, const char* key, bool fallback) {
    return o.contains(key) && o[key].is_boolean() ? o[key].get<bool>() : fallback;
  };
  for (const auto& [key, value] : list.items()) {
    const std::string content = token_content(value);
    if (content.empty() || !value.is_object()) continue;
    const auto same = [&](const AddedToken& t) { return t.content == content; };
    if (std::any_of(parts.added.begin(), parts.added.end(), same)) continue;
    AddedToken t;
    t.content = content;
    if (key.empty() || key.size() > 8 || key.find_first_not_of("0123456789") != std::string::npos)
      throw Error(ErrorCode::input, "'" + key + "' is not a token id")
          .at({file, 0, 0, "added_tokens_decoder"});
    t.id = std::stoi(key);
    t.special = flag(value, "special", false);
    t.single_word = flag(value, "single_word", false);
    t.lstrip = flag(value, "lstrip", false);
    t.rstrip = flag(value, "rstrip", false);
    t.normalized = flag(value, "normalized", !t.special);
    parts.added.push_back(t);
  }
}

}  // namespace

void read_tokenizer_config(const std::string& folder, TokenizerParts& parts) {
  const fs::path dir(folder);
  const fs::path map = dir / "special_tokens_map.json";
  if (is_there(map)) read_specials(read_object(map), parts);
  const fs::path config = dir / "tokenizer_config.json";
  if (is_there(config)) {
    parts.config = read_object(config);
    read_specials(parts.config, parts);
    if (parts.config.contains("added_tokens_decoder"))
      read_added_decoder(parts.config["added_tokens_decoder"], config.string(), parts);
  }
  read_chat_templates(folder, parts);
}

}  // namespace axl::tokenizer
