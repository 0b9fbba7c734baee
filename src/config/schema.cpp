#include "config/schema.hpp"

#include "config/keys.hpp"
#include "core/suggest.hpp"

namespace axl::config {

const std::vector<ConfigSection>& sections() {
  static const std::vector<ConfigSection> list{
      model_section(),       data_section(),      sequence_section(),  adapter_section(),
      batch_section(),       optimizer_section(), precision_section(), output_section(),
      distributed_section(), tracking_section(),  task_section(),      plugin_section()};
  return list;
}

void add(std::vector<ConfigKey>& keys, Action action, std::vector<Field> fields,
         std::string_view reason) {
  for (Field& field : fields) {
    ConfigKey key;
    static_cast<Field&>(key) = std::move(field);
    key.action = action;
    key.doc = reason;
    keys.push_back(std::move(key));
  }
}

ConfigKey& declared(std::vector<ConfigKey>& keys, std::string_view name) {
  for (ConfigKey& key : keys)
    if (key.name == name) return key;
  AXL_CHECK(false, "no key " + std::string(name));
}

void bound(std::vector<ConfigKey>& keys, std::initializer_list<std::string_view> names,
           double minimum, double maximum) {
  for (const std::string_view name : names) {
    ConfigKey& key = declared(keys, name);
    key.minimum = minimum;
    key.maximum = maximum;
  }
}

namespace {

/// Names sorted once, so that a file of 100 keys costs no walk over 500 entries each.
const std::map<std::string_view, const ConfigKey*>& index() {
  static const std::map<std::string_view, const ConfigKey*> map = [] {
    std::map<std::string_view, const ConfigKey*> out;
    for (const ConfigSection& section : sections())
      for (const ConfigKey& key : section.keys)
        AXL_CHECK(out.emplace(key.name, &key).second,
                  "key declared twice: " + std::string(key.name));
    return out;
  }();
  return map;
}

}  // namespace

const ConfigKey* find_key(std::string_view name) {
  const auto it = index().find(name);
  if (it != index().end()) return it->second;
  for (const ConfigSection& section : sections())
    for (const ConfigKey& key : section.keys)
      if (key.name.ends_with('*') && name.starts_with(key.name.substr(0, key.name.size() - 1)))
        return &key;
  return nullptr;
}

bool is_known_key(std::string_view name) { return find_key(name) != nullptr; }

bool is_boolean_key(std::string_view name) {
  const ConfigKey* key = find_key(name);
  if (!key) return false;
  switch (key->kind) {
    case Kind::boolean:
    case Kind::boolean_or_word:
    case Kind::boolean_or_text:
    case Kind::boolean_or_map:
      return true;
    default:
      return !key->target_value.empty() || name == "bf16" || name == "gradient_checkpointing";
  }
}

std::string nearest_known_key(std::string_view name) {
  // A key that works is the better guess: the refused ones are asked only when none is near.
  const auto names_of = [](bool working) {
    std::vector<std::string> names;
    for (const auto& [known, key] : index())
      if ((key->action == Action::implement) == working && !known.ends_with('*'))
        names.emplace_back(known);
    return names;
  };
  static const std::vector<std::string> working = names_of(true), refused = names_of(false);
  const std::string near = nearest(name, working);
  return near.empty() ? nearest(name, refused) : near;
}

}  // namespace axl::config
