#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "config/bind.hpp"
#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/overrides.hpp"
#include "config/rules.hpp"
#include "config/schema.hpp"
#include "config/value.hpp"
#include "core/json.hpp"
#include "core/launch.hpp"

namespace axl::config {
namespace {

/// Such a key asks for nothing. An empty text is a value that somebody wrote.
bool is_off(const Node& node) {
  const bool empty_text = node.kind == Node::Kind::scalar && node.text.empty();
  return !empty_text && !is_on(node);
}

/// Gives the alias's value to the key that it stands for.
void resolve_aliases(Node& root, Report& report) {
  std::vector<Entry> added;
  for (const Entry& e : root.entries) {
    const ConfigKey* key = find_key(e.key);
    if (!key || key->action != Action::alias || e.value.is_null()) continue;
    const UserLocation where = report.place(e.key, e.line, e.column);
    Node value = e.value;
    if (!key->target_value.empty()) {
      const auto flag = as_bool(e.value);
      if (!flag) {
        report.error(e.key, e.value, fmt::format("must be true or false; got {}", found(e.value)));
        continue;
      }
      if (!*flag) continue;
      value.text = key->target_value;
    }
    const Entry* target = root.find(key->target);
    if (target && !target->value.is_null()) {
      if (key->target_value.empty() && target->value.text == e.value.text)
        report.warning(where, fmt::format("is an old name of {}, which is given too", key->target),
                       "leave it out");
      else
        report.error(where, fmt::format("is another name of {}, which is given too", key->target),
                     fmt::format("keep {}", key->target));
      continue;
    }
    report.warning(where, "old name",
                   key->target_value.empty()
                       ? fmt::format("write {}", key->target)
                       : fmt::format("write {}: {}", key->target, key->target_value));
    added.push_back({std::string(key->target), e.line, e.column, std::move(value)});
  }
  for (Entry& e : added) {
    if (Entry* there = root.find(e.key))
      there->value = std::move(e.value);
    else
      root.entries.push_back(std::move(e));
  }
}

/// The value of a key without a member; of one with a reader the reader reports what is wrong.
bool keep_typed(const ConfigKey& key, const Entry& e, TypedValues& typed, Report& report) {
  const bool checked = key.reader || key.member.index() != 0;
  const bool number = key.kind == Kind::integer || key.kind == Kind::number;
  if (number && e.value.kind == Node::Kind::scalar &&
      is_off(e.value)) {  // 0 and false ask for nothing, whatever the bounds
    typed[e.key] = 0;
    return true;
  }
  LoadResult scratch;
  Report quiet(report.file(), false, scratch);
  auto value = typed_value(key, e.value, e.key, checked ? quiet : report);
  if (value)
    typed[e.key] = std::move(*value);
  else if (checked)
    typed[e.key] = parse_json<nlohmann::ordered_json>(to_json(e.value));
  return checked || value;
}

void read_keys(const Node& root, Config& config, TypedValues& typed, Report& report) {
  for (const Entry& e : root.entries) {
    const UserLocation at_key = report.place(e.key, e.line, e.column);
    const ConfigKey* key = find_key(e.key);
    if (!key) {
      report.unknown(at_key, nearest_known_key(e.key));
      continue;
    }
    if (key->action == Action::unread) {
      report.unread(at_key, std::string(key->doc));
      continue;
    }
    if (e.value.is_null()) continue;
    config.locations[e.key] = report.place(e.key, e.value);
    if (key->action != Action::alias && !keep_typed(*key, e, typed, report)) continue;
    switch (key->action) {
      case Action::implement:
        bind(config, *key, e.value, e.key, report);
        break;
      case Action::notice:
        if (key->reader)
          bind(config, *key, e.value, e.key, report);
        else if (!is_off(e.value))
          report.notice(at_key, std::string(key->doc));
        break;
      case Action::alias:
      case Action::unread:
        break;
      case Action::later:
        if (key->reader)
          bind(config, *key, e.value, e.key, report);
        else if (!is_off(e.value) && (key->harmless.empty() || e.value.text != key->harmless))
          report.unsupported(e.key, e.value, fmt::format("{}; got {}", key->doc, found(e.value)));
        break;
      case Action::reject:
        if (key->even_off || !is_off(e.value))
          report.error(e.key, e.value, fmt::format("{}; got {}", key->doc, found(e.value)));
        break;
    }
  }
}

/// Would preparing the rows give something else, or nothing, without this key?
bool concerns_rows(const std::string& key, const Config& config) {
  const std::string top = key.substr(0, key.find('.'));
  if (top == "rl") return config.rl.empty();  // a method whose rows are not read
  for (const char* first : {"tokenizer", "added_tokens", "processor", "role_boundaries", "plugins"})
    if (top.starts_with(first)) return true;
  for (const ConfigSection& section : {data_section(), sequence_section()})
    for (const ConfigKey& k : section.keys)
      if (k.name == top) return true;
  return false;
}

bool before(const Finding& a, const Finding& b) {
  return std::pair(a.where.line, a.where.column) < std::pair(b.where.line, b.where.column);
}

void tidy(LoadResult& result) {
  for (auto* list : {&result.errors, &result.unsupported, &result.warnings, &result.notices})
    std::stable_sort(list->begin(), list->end(), before);
  std::sort(result.ignored.begin(), result.ignored.end());
  result.ignored.erase(std::unique(result.ignored.begin(), result.ignored.end()),
                       result.ignored.end());
}

}  // namespace

std::string listed_name(const std::string& key) {
  std::string out;
  for (std::size_t i = 0; i < key.size();) {
    std::size_t end = i + 1;
    while (key[i] == '.' && end < key.size() && key[end] >= '0' && key[end] <= '9') ++end;
    if (end > i + 1 && (end == key.size() || key[end] == '.')) {
      out += "[]";
      i = end;
    } else {
      out += key[i++];
    }
  }
  return out;
}

LoadResult load_text(const std::string& text, const std::string& file, const LoadOptions& options) {
  LoadResult result;
  Report report(file, options.strict, result);
  Node root;
  try {
    root = parse_yaml(text, file);
  } catch (const Error& e) {
    report.error(e.where(), e.message(), e.hint());
  }
  if (result.errors.empty() && root.is_null())
    report.error({file, 1, 1, ""}, "is empty",
                 "axolotl-hpc init writes a configuration to start from");
  else if (result.errors.empty() && root.kind != Node::Kind::map)
    report.error("", root, fmt::format("must be a map of keys; got {}", found(root)));
  if (!result.errors.empty()) {
    result.effective_json = "{}";
    return result;
  }
  apply_overrides(root, options.overrides, report);
  resolve_aliases(root, report);
  TypedValues typed;
  read_keys(root, result.config, typed, report);
  const bool native = options.native_bf16 ? *options.native_bf16 : cpu_has_native_bf16();
  derive(result.config, root, native, report);
  check_rules(result.config, root, report);
  result.effective_json = effective_json(result.config, root, typed);
  tidy(result);
  return result;
}

LoadResult load(const std::string& path, const LoadOptions& options) {
  std::string file = path;
  try {
    const std::string text = read_yaml_file(file);
    return load_text(text, file, options);
  } catch (const Error& e) {
    LoadResult result;
    result.errors.push_back({e.where(), e.message(), e.hint()});
    result.effective_json = "{}";
    return result;
  }
}

std::string to_string(const Finding& finding) {
  std::string out = axl::to_string(finding.where) + finding.message;
  if (!finding.hint.empty()) out += "\n  hint: " + finding.hint;
  return out;
}

LoadResult load_usable(const std::string& path, const LoadOptions& options) {
  LoadResult result = load(path, options);
  if (options.rows_only)
    std::erase_if(result.unsupported, [&result](const Finding& f) {
      return !concerns_rows(f.where.key, result.config);
    });
  if (result.trainable())
    for (Finding& f : check_files(result.config)) result.errors.push_back(std::move(f));
  if (launched_rank() == 0) {
    for (const Finding& f : result.notices) fmt::print(stderr, "note: {}\n", to_string(f));
    for (const Finding& f : result.warnings) fmt::print(stderr, "warning: {}\n", to_string(f));
  }
  // What is wrong is told first; only a valid file is told what this version cannot train.
  const std::vector<Finding>& reasons = result.accepted() ? result.unsupported : result.errors;
  if (reasons.size() == 1) {
    const Finding& f = reasons.front();
    throw Error(ErrorCode::config, f.message).at(f.where).hint(f.hint);
  }
  if (!reasons.empty()) {
    std::string all =
        result.accepted()
            ? fmt::format("{} is valid, but this version cannot train {} of its settings yet", path,
                          reasons.size())
            : fmt::format("{} problems in {}", reasons.size(), path);
    for (const Finding& f : reasons) all += "\n" + to_string(f);
    throw Error(ErrorCode::config, std::move(all));
  }
  return result;
}

Config load_or_throw(const std::string& path, const LoadOptions& options) {
  return load_usable(path, options).config;
}

}  // namespace axl::config
