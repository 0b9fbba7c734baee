// The files beside tokenizer.json, laid over it as transformers 5 does:
// - tokenizer_config.json names special tokens and may list added_tokens_decoder, tokens by id;
// - only where it does not, special_tokens_map.json takes the place of what it names, and
//   added_tokens.json adds tokens;
// - tokens that are listed are added in the order of their ids, then those that have a name, then
//   the extra ones; each gets the id that the model's vocabulary or tokenizer.json has for it, else
//   the next free one (Tokenizer::Impl::add_token).
#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/log.hpp"
#include "tokenizer/config_file.hpp"
#include "tokenizer/tokenizer_parts.hpp"

namespace axl::tokenizer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kExtra = "extra_special_tokens";
constexpr const char* kOlderExtra = "additional_special_tokens";
constexpr const char* kDecoder = "added_tokens_decoder";

bool is_special_name(std::string_view name) {
  return std::find(std::begin(kSpecialNames), std::end(kSpecialNames), name) !=
         std::end(kSpecialNames);
}

/// A token is written as its text or as an object with a "content"; nothing for anything else.
std::optional<AddedToken> token_of(const Json& value, bool special) {
  AddedToken t;
  t.special = special;
  if (value.is_string()) {
    t.content = value.get<std::string>();
  } else if (value.is_object() && value.contains("content") && value["content"].is_string()) {
    const auto flag = [&](const char* key, bool fallback) {
      return value.contains(key) && value[key].is_boolean() ? value[key].get<bool>() : fallback;
    };
    t.content = value["content"].get<std::string>();
    t.special = flag("special", special);
    t.single_word = flag("single_word", false);
    t.lstrip = flag("lstrip", false);
    t.rstrip = flag("rstrip", false);
    t.normalized = flag("normalized", !t.special);
  }
  if (t.content.empty()) return std::nullopt;
  return t;
}

/// What the files say before it is decided which of it is new.
struct Declared {
  std::map<std::int64_t, AddedToken> listed;  ///< by id
  std::map<std::string, AddedToken> named;    ///< "bos_token" and its like
  std::vector<AddedToken> own_names;          ///< tokens under names that only this model has
  std::vector<AddedToken> extra;
  bool has_extra = false;
};

std::int64_t id_of(const std::string& key, const std::string& file) {
  if (key.empty() || key.size() > 8 || key.find_first_not_of("0123456789") != std::string::npos)
    throw Error(ErrorCode::input, "'" + key + "' is not a token id").at({file, 0, 0, kDecoder});
  return std::stol(key);
}

/// A list of tokens, or a map from names of this model's own to them.
void read_extra(const Json& value, Declared& out) {
  if (value.is_object())
    for (const auto& [name, token] : value.items())
      if (auto t = token_of(token, true)) out.own_names.push_back(std::move(*t));
  if (!value.is_array()) return;
  out.has_extra = true;
  for (const Json& token : value) {
    auto t = token_of(token, true);
    if (!t) continue;
    const auto same = [&](const AddedToken& known) { return known.content == t->content; };
    if (std::none_of(out.extra.begin(), out.extra.end(), same)) out.extra.push_back(std::move(*t));
  }
}

void read_config(const Json& config, const std::string& file, Declared& out) {
  for (const auto& [key, value] : config.items()) {
    if (is_special_name(key)) {
      if (auto t = token_of(value, true)) out.named[key] = std::move(*t);
    } else if (key.ends_with("_token") && value.is_string()) {
      if (auto t = token_of(value, true)) out.own_names.push_back(std::move(*t));
    }
  }
  if (config.contains(kExtra))
    read_extra(config[kExtra], out);
  else if (config.contains(kOlderExtra))
    read_extra(config[kOlderExtra], out);
  if (!config.contains(kDecoder) || !config[kDecoder].is_object()) return;
  for (const auto& [key, value] : config[kDecoder].items()) {
    if (!value.is_object()) continue;
    if (auto t = token_of(value, false)) out.listed.emplace(id_of(key, file), std::move(*t));
  }
}

void read_map(const Json& map, Declared& out) {
  for (const auto& [key, value] : map.items()) {
    if (is_special_name(key)) {
      out.named.erase(key);
      if (auto t = token_of(value, true)) out.named[key] = std::move(*t);
    } else if (key == kExtra || (key == kOlderExtra && !out.has_extra && !map.contains(kExtra))) {
      read_extra(value, out);
    }
  }
}

void read_added_tokens(const Json& tokens, const TokenizerParts& parts, Declared& out) {
  const auto is_named = [&](const std::string& text) {
    const auto same = [&](const AddedToken& t) { return t.content == text; };
    return std::any_of(out.named.begin(), out.named.end(),
                       [&](const auto& entry) { return same(entry.second); }) ||
           std::any_of(out.extra.begin(), out.extra.end(), same);
  };
  for (const auto& [text, id] : tokens.items()) {
    if (text.empty() || !id.is_number_integer()) continue;
    const auto at = id.get<std::int64_t>();
    // tokenizer.json has the last word about ids that it lists.
    const auto same_id = [&](const AddedToken& t) { return t.id == at; };
    if (std::any_of(parts.added.begin(), parts.added.end(), same_id)) continue;
    AddedToken t;
    t.content = text;
    t.special = is_named(text);
    t.normalized = !t.special;
    out.listed[at] = std::move(t);
  }
}

void lay_over(Declared declared, TokenizerParts& parts) {
  const auto known = [&](const AddedToken& token) {
    return std::any_of(parts.added.begin(), parts.added.end(),
                       [&](const AddedToken& t) { return t.content == token.content; });
  };
  std::vector<AddedToken> named;
  for (const char* name : kSpecialNames)
    if (const auto found = declared.named.find(name); found != declared.named.end()) {
      parts.special[name] = found->second.content;
      named.push_back(found->second);
    }
  for (AddedToken& t : declared.own_names) named.push_back(std::move(t));
  for (auto& [id, token] : declared.listed) {
    const auto same = [&, &t = token](const AddedToken& other) {
      return other.content == t.content;
    };
    token.id = static_cast<std::int32_t>(id);
    token.special = token.special || std::any_of(named.begin(), named.end(), same);
    parts.added.push_back(std::move(token));
  }
  for (AddedToken& token : named) {
    if (known(token)) continue;
    token.special = true;
    parts.added.push_back(std::move(token));
  }
  for (AddedToken& token : declared.extra)
    if (!known(token)) parts.added.push_back(std::move(token));
}

/// Two files name different tokens: which one counts.
void tell_disagreements(const Json& config, const fs::path& config_file, const Json& map,
                        const fs::path& map_file, bool map_counts) {
  for (const char* name : kSpecialNames) {
    const auto text = [&](const Json& file) {
      const auto t = file.contains(name) ? token_of(file[name], true) : std::nullopt;
      return t ? t->content : "";
    };
    const std::string ours = text(config), theirs = text(map);
    if (ours == theirs || ours.empty() || theirs.empty()) continue;
    log::common_warning(
        "{} is '{}' in {} and '{}' in {}; {} counts, as in transformers", name, ours,
        config_file.string(), theirs, map_file.string(),
        map_counts ? map_file.filename().string()
                   : config_file.filename().string() + ", which has added_tokens_decoder,");
  }
}

}  // namespace

void read_tokenizer_config(const std::string& folder, TokenizerParts& parts) {
  const fs::path dir(folder), config_file = dir / "tokenizer_config.json",
                              map_file = dir / "special_tokens_map.json",
                              added_file = dir / "added_tokens.json";
  Declared declared;
  if (is_there(config_file)) {
    parts.config = read_object(config_file);
    read_config(parts.config, config_file.string(), declared);
  }
  const bool lists_tokens = parts.config.contains(kDecoder);
  if (is_there(map_file)) {
    const Json map = read_object(map_file);
    tell_disagreements(parts.config, config_file, map, map_file, !lists_tokens);
    if (!lists_tokens) read_map(map, declared);
  }
  if (!lists_tokens && is_there(added_file))
    read_added_tokens(read_object(added_file), parts, declared);
  lay_over(std::move(declared), parts);
  read_chat_templates(folder, parts);
}

}  // namespace axl::tokenizer
