#include "config/bind.hpp"
#include "config/schema.hpp"
#include "core/json.hpp"

namespace axl::config {
namespace {

using Json = nlohmann::ordered_json;

/// YAML editors read `2e-5` and quoted numbers as text, so text that looks like the value is
/// allowed wherever a number or a boolean is.
Json type_of(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return {
          {"type", {"boolean", "string", "null"}},
          {"pattern", "^([Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF|[Tt]rue|TRUE|[Ff]alse|FALSE)$"}};
    case Kind::integer:
      return {{"type", {"integer", "string", "null"}}, {"pattern", "^[-+]?[0-9][0-9_]*$"}};
    case Kind::number:
      return {{"type", {"number", "string", "null"}},
              {"pattern", "^[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?$"}};
    case Kind::text:
      return {{"type", {"string", "null"}}};
    case Kind::text_list:
      return {{"type", {"array", "string", "null"}}, {"items", {{"type", "string"}}}};
    case Kind::integer_list:
      return {{"type", {"array", "null"}}, {"items", {{"type", "integer"}}}};
    case Kind::text_map:
    case Kind::number_map:
      return {{"type", {"object", "null"}}};
    case Kind::map:
      return {{"type", {"object", "null"}}};
    case Kind::boolean_or_map:
      return {{"type", {"object", "boolean", "null"}}};
    case Kind::number_list:
    case Kind::map_list:
      return {{"type", {"array", "null"}}};
    case Kind::boolean_or_word:
    case Kind::boolean_or_text:
    case Kind::text_or_list:
    case Kind::text_or_map:
    case Kind::integer_or_text:
    case Kind::integer_or_list:
    case Kind::any:
      break;
  }
  return Json::object();
}

template <class Owner>
Json property(const Owner& defaults, const Key<Owner>& key) {
  const bool typed = key.action != Action::alias && key.action != Action::reject;
  Json out = typed ? type_of(key.kind) : Json::object();
  switch (key.action) {
    case Action::implement:
      out["description"] = key.doc;
      break;
    case Action::notice:
      out["description"] = "No effect: " + std::string(key.doc) + ".";
      break;
    case Action::alias:
      out["description"] = "Old name of " + std::string(key.target) + ".";
      out["deprecated"] = true;
      break;
    case Action::unread:
      out["description"] = "Nobody reads it: " + std::string(key.doc) + ".";
      break;
    case Action::later:
      out["description"] = "Not trained by this version: " + std::string(key.doc) + ".";
      break;
    case Action::reject:
      out["description"] = "Not supported: " + std::string(key.doc) + ".";
      out["enum"] = {nullptr, false, 0, "", Json::array(), Json::object()};
      break;
  }
  if (key.action != Action::implement) return out;
  if (std::isfinite(key.minimum))
    out[key.above_minimum ? "exclusiveMinimum" : "minimum"] = key.minimum;
  if (std::isfinite(key.maximum)) out["maximum"] = key.maximum;
  if (!key.allowed.empty()) {
    Json values = Json::array();
    for (const std::string_view v : key.allowed) values.push_back(v);
    for (const std::string_view v : key.allowed) {
      if (v == "true") values.push_back(true);
      if (v == "false") values.push_back(false);
    }
    values.push_back(nullptr);
    out["enum"] = std::move(values);
    out.erase("type");
    out.erase("pattern");
  }
  const Json value = value_of(defaults, key);
  if (key.default_note.empty() && !value.is_null() && !key.required) out["default"] = value;
  return out;
}

}  // namespace

std::string json_schema(bool strict) {
  Json entry{{"type", "object"}, {"required", {"path", "type"}}, {"properties", Json::object()}};
  const DatasetConfig dataset_defaults;
  for (const DatasetKey& key : dataset_keys())
    entry["properties"][std::string(key.name)] = property(dataset_defaults, key);
  entry["properties"]["type"] = {
      {"description", entry["properties"]["type"]["description"]},
      {"anyOf", Json::array({{{"enum", dataset_types()}}, {{"type", "object"}}})}};
  if (strict) entry["additionalProperties"] = false;

  Json out{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
           {"title", "axolotl-hpc configuration"},
           {"type", "object"},
           {"required", {"base_model", "datasets", "learning_rate"}},
           {"properties", Json::object()},
           {"patternProperties", Json::object()},
           {"$defs", {{"dataset", std::move(entry)}}}};
  const Config defaults;
  for (const ConfigSection& section : sections())
    for (const ConfigKey& key : section.keys) {
      if (key.action == Action::unread) continue;
      const std::string name(key.name);
      if (name.ends_with('*'))
        out["patternProperties"]["^" + name.substr(0, name.size() - 1)] = property(defaults, key);
      else
        out["properties"][name] = property(defaults, key);
    }
  for (const char* list : {"datasets", "test_datasets"})
    out["properties"][list] = {{"description", out["properties"][list]["description"]},
                               {"type", {"array", "null"}},
                               {"minItems", 1},
                               {"items", {{"$ref", "#/$defs/dataset"}}}};
  if (strict) out["additionalProperties"] = false;
  return json_text(out, 2) + "\n";
}

}  // namespace axl::config
