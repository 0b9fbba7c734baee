#include "data/dataset_card.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "config/node.hpp"
#include "core/error.hpp"
#include "core/utf8.hpp"
#include "data/file_kind.hpp"
#include "data/file_patterns.hpp"
#include "hub/names.hpp"

namespace axl::data {
namespace fs = std::filesystem;
namespace {

using config::Entry;
using config::Node;

/// The YAML between the first line and the next one of three dashes; "" when there is none.
std::string front_matter(const std::string& text) {
  if (!text.starts_with("---\n") && !text.starts_with("---\r\n")) return "";
  const std::size_t begin = text.find('\n');
  const std::size_t end = text.find("\n---", begin);
  // The line of dashes stays as an empty one: places in messages are those of the card.
  return end == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

[[noreturn]] void refuse(const Node& node, const std::string& file, const std::string& what) {
  throw Error(ErrorCode::data, what).at({file, node.line, node.column, "configs"});
}

std::string text_of(const Node& map, std::string_view key, const std::string& file) {
  const Entry* entry = map.find(key);
  if (entry == nullptr || entry->value.is_null()) return "";
  if (entry->value.kind != Node::Kind::scalar)
    refuse(entry->value, file, std::string(key) + " is not text");
  return entry->value.text;
}

std::vector<std::string> patterns_of(const Node& node, const std::string& file) {
  if (node.kind == Node::Kind::scalar) return {node.text};
  std::vector<std::string> out;
  if (node.kind != Node::Kind::sequence)
    refuse(node, file, "a path is a pattern or a list of them");
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::scalar) refuse(item, file, "a path is a pattern, which is text");
    out.push_back(item.text);
  }
  return out;
}

void add_data_files(CardConfig& out, const Node& node, const std::string& file) {
  const bool by_split = node.kind == Node::Kind::sequence && !node.items.empty() &&
                        node.items.front().kind == Node::Kind::map;
  if (!by_split) {
    out.data_files.emplace_back("train", patterns_of(node, file));
    return;
  }
  for (const Node& item : node.items) {
    const Entry* path = item.kind == Node::Kind::map ? item.find("path") : nullptr;
    const std::string split = item.kind == Node::Kind::map ? text_of(item, "split", file) : "";
    if (path == nullptr || split.empty()) refuse(item, file, "data_files needs split and path");
    out.data_files.emplace_back(split, patterns_of(path->value, file));
  }
}

/// Parts of a repository that no pattern means unless it names them.
bool is_apart(const std::string& path, const std::string& pattern) {
  const std::string last = fs::path(path).filename().string();
  if (last != fs::path(pattern).filename().string() && is_about_data(last)) return true;
  for (const auto& part : fs::path(path)) {
    const std::string text = part.string();
    if ((text.starts_with(".") || text.starts_with("__")) &&
        pattern.find(text) == std::string::npos)
      return true;
  }
  return false;
}

std::vector<std::string> names_of(const std::vector<CardConfig>& configs) {
  std::vector<std::string> out;
  for (const CardConfig& c : configs) out.push_back(c.name);
  return out;
}

}  // namespace

std::vector<CardConfig> read_dataset_card(const std::string& text, const std::string& file) {
  if (!wide_encoding(text).empty()) require_utf8(text, file, ErrorCode::data);
  const std::string yaml = front_matter(text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text);
  require_utf8(yaml, file, ErrorCode::data);
  if (yaml.find("configs:") == std::string::npos) return {};
  const Node root = config::parse_yaml(yaml, file);
  const Entry* list = root.kind == Node::Kind::map ? root.find("configs") : nullptr;
  if (list == nullptr || list->value.is_null()) return {};
  if (list->value.kind != Node::Kind::sequence) refuse(list->value, file, "is not a list");
  std::vector<CardConfig> out;
  for (const Node& item : list->value.items) {
    if (item.kind != Node::Kind::map) refuse(item, file, "holds something that is no map");
    CardConfig& one = out.emplace_back();
    one.name = text_of(item, "config_name", file);
    if (one.name.empty()) refuse(item, file, "has an entry without config_name");
    one.data_dir = text_of(item, "data_dir", file);
    if (const Entry* value = item.find("default"); value != nullptr)
      config::is_yaml_bool(value->value.text, one.is_default);
    if (const Entry* files = item.find("data_files"); files != nullptr && !files->value.is_null())
      add_data_files(one, files->value, file);
  }
  return out;
}

const CardConfig& choose_card_config(const std::vector<CardConfig>& configs,
                                     const std::string& name,
                                     const config::DatasetConfig& dataset) {
  const CardConfig* found = nullptr;
  for (const CardConfig& c : configs) {
    const bool wanted =
        name.empty() ? configs.size() == 1 || c.name == "default" || c.is_default : c.name == name;
    if (wanted && found == nullptr) found = &c;
  }
  if (found != nullptr) return *found;
  throw Error(ErrorCode::data,
              name.empty()
                  ? fmt::format("dataset '{}' has several subsets and no default", dataset.path)
                  : fmt::format("dataset '{}' has no subset '{}'", dataset.path, name))
      .at(dataset.where)
      .hint(fmt::format("name: one of {}", fmt::join(names_of(configs), ", ")));
}

std::vector<std::string> files_of_card_config(const CardConfig& card, const std::string& split,
                                              const std::vector<std::string>& all,
                                              const config::DatasetConfig& dataset) {
  std::vector<std::string> splits, out;
  std::string folder = card.data_dir;
  while (folder.ends_with('/')) folder.pop_back();
  for (const auto& [name, patterns] : card.data_files) {
    splits.push_back(name);
    if (name != split) continue;
    for (std::string pattern : patterns) {
      if (pattern.starts_with("./")) pattern.erase(0, 2);
      if (!folder.empty()) pattern = folder + "/" + pattern;
      const bool open = pattern.find_first_of("*?[") != std::string::npos;
      for (const std::string& path : all)
        if (hub::matches(pattern, path) && !is_apart(path, pattern) &&
            (!open || kind_of_suffix(path)) && std::find(out.begin(), out.end(), path) == out.end())
          out.push_back(path);
    }
  }
  if (std::find(splits.begin(), splits.end(), split) == splits.end())
    throw Error(
        ErrorCode::data,
        fmt::format("dataset '{}'{} has no split '{}'", dataset.path,
                    card.name == "default" ? "" : fmt::format(", subset '{}',", card.name), split))
        .at(dataset.where)
        .hint(fmt::format("split: one of {}", fmt::join(splits, ", ")));
  if (out.empty())
    throw Error(ErrorCode::data,
                fmt::format("dataset '{}': the card's patterns of split '{}' match no file that is "
                            "read",
                            dataset.path, split))
        .at(dataset.where)
        .hint(std::string("read are ") + kFileKinds);
  return out;
}

}  // namespace axl::data
