#include <fmt/format.h>

#include <algorithm>

#include "config/bind.hpp"
#include "config/readers.hpp"

namespace axl::config {
namespace {

/// Dataset types that Axolotl knows and this program does not convert yet.
const std::vector<std::string_view>& types_not_yet() {
  static const std::vector<std::string_view> list{"creative_acr", "bradley_terry"};
  return list;
}

bool contains(const std::vector<std::string_view>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// NAME, NAME.load or NAME:STYLE of a type that is here.
bool is_dataset_type(std::string_view type) {
  const std::size_t colon = type.find(':');
  if (colon != std::string_view::npos)
    return contains(styled_dataset_types(), type.substr(0, colon)) &&
           contains(prompt_styles(), type.substr(colon + 1));
  if (type.ends_with(".load")) type.remove_suffix(5);
  return contains(dataset_types(), type) || contains(preference_types(), type) ||
         (type.ends_with(".default") &&
          contains(preference_types(), type.substr(0, type.size() - 8)));
}

std::vector<std::string> all_type_names() {
  std::vector<std::string> out(dataset_types().begin(), dataset_types().end());
  for (const std::string_view type : styled_dataset_types())
    for (const std::string_view style : prompt_styles())
      out.push_back(fmt::format("{}:{}", type, style));
  return out;
}

/// {role: from} style maps of Axolotl's `type: sharegpt`, which it has removed.
void as_sharegpt(DatasetConfig& d) {
  d.type = "chat_template";
  d.field_messages = "conversations";
  d.message_property_mappings = {{"role", "from"}, {"content", "value"}};
}

void read_user_defined(DatasetConfig& d, const Node& node, const std::string& key, Report& report) {
  static const std::vector<std::string> kFields{
      "system_prompt",    "system_format", "field_system",   "field_instruction",
      "field_input",      "field_output",  "format",         "no_input_format",
      "field_prompt",     "field_chosen",  "field_rejected", "field_completion",
      "field_label",      "prompt_format", "chosen_format",  "rejected_format",
      "completion_format"};
  for (const Entry& e : node.entries) {
    const std::string name = key + "." + e.key;
    if (std::find(kFields.begin(), kFields.end(), e.key) == kFields.end()) {
      const std::string near = nearest(e.key, kFields);
      report.unknown(report.place(name, e.line, e.column), near);
      continue;
    }
    if (e.value.is_null()) continue;
    if (const auto v = as_text(e.value))
      d.user_defined[e.key] = *v;
    else
      report.error(name, e.value, fmt::format("must be text; got {}", found(e.value)));
  }
  const auto it = d.user_defined.find("no_input_format");
  if (it != d.user_defined.end() && it->second.find("{input}") != std::string::npos)
    report.error(key + ".no_input_format", node.find("no_input_format")->value,
                 "must not hold {input}: it is for rows without one");
}

void read_dataset(DatasetConfig& d, const Node& node, const std::string& prefix, Config& config,
                  Report& report) {
  d.where = report.place(prefix, node);
  bool has_eot = false;
  std::vector<std::string> names;
  for (const DatasetKey& k : dataset_keys()) names.emplace_back(k.name);
  for (const Entry& e : node.entries) {
    const std::string name = prefix + "." + e.key;
    const UserLocation at_key = report.place(name, e.line, e.column);
    const auto key = std::find_if(dataset_keys().begin(), dataset_keys().end(),
                                  [&e](const DatasetKey& k) { return k.name == e.key; });
    if (key == dataset_keys().end()) {
      report.unknown(at_key, e.key == "train_on_split" ? "split" : nearest(e.key, names));
      continue;
    }
    if (e.value.is_null()) continue;
    config.locations[name] = report.place(name, e.value);
    const bool off = as_bool(e.value).has_value() && !*as_bool(e.value);
    switch (key->action) {
      case Action::implement:
        bind(d, *key, e.value, name, report);
        has_eot = has_eot || e.key == "train_on_eot";
        break;
      case Action::notice:
        report.notice(at_key, std::string(key->doc));
        break;
      case Action::alias: {
        const std::string property(key->target.substr(key->target.find('.') + 1));
        const Entry* mappings = node.find("message_property_mappings");
        const Entry* same = mappings ? mappings->value.find(property) : nullptr;
        if (same && same->value.text != e.value.text)
          report.error(at_key, fmt::format("conflicts with {}", key->target),
                       "keep message_property_mappings alone");
        else if (const auto v = as_text(e.value)) {
          d.message_property_mappings[property] = *v;
          report.warning(at_key, "old name",
                         fmt::format("write message_property_mappings: {{{}: {}}}", property, *v));
        } else {
          report.error(name, e.value, fmt::format("must be text; got {}", found(e.value)));
        }
        break;
      }
      case Action::unread:
        report.unread(at_key, std::string(key->doc));
        break;
      case Action::later:
        if (!off) report.unsupported(at_key, std::string(key->doc));
        break;
      case Action::reject:
        if (!off) report.error(at_key, std::string(key->doc));
        break;
    }
  }
  if (!has_eot) d.train_on_eot = d.train_on_eos;
  if (d.path.empty() && (!node.find("path") || node.find("path")->value.is_null()))
    report.error(prefix + ".path", node, "is required: the file or folder of the rows");
  if (d.shards && d.shards_idx >= *d.shards)
    report.error(config.locations.count(prefix + ".shards_idx")
                     ? config.locations[prefix + ".shards_idx"]
                     : report.place(prefix + ".shards_idx", node),
                 fmt::format("must be less than shards ({}); got {}", *d.shards, d.shards_idx));
}

}  // namespace

void read_datasets(Config& c, const Node& node, const std::string& key, Report& report) {
  if (node.kind != Node::Kind::sequence)
    return report.error(key, node, fmt::format("must be a list of data sets; got {}", found(node)),
                        "write '- path: ...' below the key");
  if (node.items.empty())
    return report.error(key, node, "must hold at least one data set; got a list of 0");
  auto& list = key == "datasets" ? c.datasets : c.test_datasets;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const std::string prefix = fmt::format("{}.{}", key, i);
    if (node.items[i].kind != Node::Kind::map) {
      report.error(prefix, node.items[i],
                   fmt::format("must be a map with path and type; got {}", found(node.items[i])));
      continue;
    }
    list.emplace_back();
    if (key == "test_datasets") list.back().split = "test";
    read_dataset(list.back(), node.items[i], prefix, c, report);
  }
}

void read_preference_method(Config& c, const Node& node, const std::string& key, Report& report) {
  static const std::vector<std::string_view> kRead{"dpo", "ipo", "simpo", "orpo", "kto"};
  const auto v = as_text(node);
  if (!v) return report.error(key, node, fmt::format("must be a name; got {}", found(node)));
  static const std::vector<std::string_view> kLater{"grpo", "gdpo", "ebft"};
  if (contains(kLater, *v))
    return report.unsupported(key, node,
                              fmt::format("reinforcement training with generated answers is not "
                                          "supported yet; got '{}'",
                                          *v),
                              "leave the key out to fine-tune on given answers");
  if (!contains(kRead, *v)) {
    std::vector<std::string> known(kRead.begin(), kRead.end());
    known.insert(known.end(), kLater.begin(), kLater.end());
    const std::string near = nearest(*v, known);
    return report.error(key, node,
                        fmt::format("must be one of {}; got '{}'", fmt::join(known, ", "), *v),
                        near.empty() ? "" : fmt::format("did you mean '{}'?", near));
  }
  c.rl = *v;
  if (*v == "dpo") return;
  report.unsupported(key, node, fmt::format("this method is not supported yet; got '{}'", *v),
                     "preview and preprocess check and show the rows; rl: dpo trains on pairs");
}

void read_pretraining_datasets(Config& c, const Node& node, const std::string& key,
                               Report& report) {
  const bool many = node.kind == Node::Kind::sequence;
  const std::size_t count = many ? node.items.size() : 1;
  if (count == 0) report.error(key, node, "must hold at least one data set; got an empty list");
  for (std::size_t i = 0; i < count; ++i) {
    const Node& item = many ? node.items[i] : node;
    const std::string prefix = fmt::format("{}.{}", key, i);
    c.pretraining_dataset.emplace_back();
    DatasetConfig& d = c.pretraining_dataset.back();
    if (item.kind == Node::Kind::map) {
      read_dataset(d, item, prefix, c, report);
    } else if (const auto path = as_text(item)) {
      d.path = *path;
      d.where = report.place(prefix, item);
    } else {
      report.error(prefix, item, fmt::format("must be a path or a map; got {}", found(item)));
    }
    if (d.type.empty()) d.type = "pretrain";
  }
}

void read_dataset_type(DatasetConfig& d, const Node& node, const std::string& key, Report& report) {
  if (node.kind == Node::Kind::map) {
    d.type = "user_defined";
    return read_user_defined(d, node, key, report);
  }
  const auto v = as_text(node);
  if (!v)
    return report.error(key, node, fmt::format("must be a name or a map; got {}", found(node)));
  d.type = *v;
  if (is_dataset_type(*v)) return;
  if (v->starts_with("sharegpt")) {
    as_sharegpt(d);
    report.warning(report.place(key, node),
                   fmt::format("'{}' was removed from Axolotl; taken as chat_template with "
                               "field_messages: conversations and from/value",
                               *v));
    return;
  }
  const std::string base = v->substr(0, v->find_first_of(".:"));
  if (contains(types_not_yet(), base))
    return report.unsupported(
        key, node, fmt::format("this type is not supported yet; got '{}'", *v),
        "a map of fields and formats in place of the name can express most types");
  if (v->find('.') != std::string::npos && !v->starts_with("alpaca") &&
      !v->starts_with("chat_template"))
    return report.unsupported(
        key, node, fmt::format("strategies in Python cannot be loaded; got '{}'", *v),
        "a map of fields and formats in place of the name can express most types");
  const std::string near = nearest(*v, all_type_names());
  report.error(key, node,
               fmt::format("must be one of {}; got '{}'", fmt::join(dataset_types(), ", "), *v),
               near.empty() ? "" : fmt::format("did you mean '{}'?", near));
}

void read_mappings(DatasetConfig& d, const Node& node, const std::string& key, Report& report) {
  if (node.kind != Node::Kind::map)
    return report.error(key, node, fmt::format("must be a map of text; got {}", found(node)));
  for (const Entry& e : node.entries) {
    if (e.value.is_null()) continue;
    if (const auto v = as_text(e.value))
      d.message_property_mappings[e.key] = *v;
    else
      report.error(key + "." + e.key, e.value, fmt::format("must be text; got {}", found(e.value)));
  }
}

void read_roles(DatasetConfig& d, const Node& node, const std::string& key, Report& report) {
  if (node.kind != Node::Kind::map)
    return report.error(key, node,
                        fmt::format("must be a map from roles to lists; got {}", found(node)));
  std::map<std::string, std::vector<std::string>> roles;
  for (const Entry& e : node.entries) {
    const std::string name = key + "." + e.key;
    if (e.value.kind != Node::Kind::sequence) {
      report.error(name, e.value, fmt::format("must be a list of text; got {}", found(e.value)),
                   e.value.kind == Node::Kind::scalar ? "write it as a list: [...]" : "");
      continue;
    }
    for (const Node& item : e.value.items) {
      if (const auto v = as_text(item))
        roles[e.key].push_back(*v);
      else
        report.error(name, item, fmt::format("must be text; got {}", found(item)));
    }
  }
  if (!roles.empty()) d.roles = std::move(roles);
}

}  // namespace axl::config
