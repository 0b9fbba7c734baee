#include <fmt/format.h>

#include "config/bind.hpp"
#include "config/schema.hpp"
#include "core/json.hpp"

namespace axl::config {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

template <class Owner>
std::string default_of(const Owner& defaults, const Key<Owner>& key) {
  if (key.required) return "required";
  if (!key.default_note.empty()) return std::string(key.default_note);
  const nlohmann::ordered_json value = value_of(defaults, key);
  if (value.is_null() || (value.is_structured() && value.empty())) return "";
  return fmt::format("`{}`", value.is_string() ? value.get<std::string>() : json_text(value));
}

template <class Owner>
void working_keys(std::string& out, const Owner& defaults, const std::vector<Key<Owner>>& keys) {
  bool any = false;
  for (const Key<Owner>& key : keys) {
    if (key.action != Action::implement) continue;
    if (!any) out += "\n| key | takes | default | meaning |\n|---|---|---|---|\n";
    any = true;
    out += fmt::format("| `{}` | {} | {} | {} |\n", key.name, escaped(what_is_allowed(key)),
                       escaped(default_of(defaults, key)), escaped(key.doc));
  }
}

/// Keys with the same reason stand in one line, in the table's order.
template <class Owner>
void other_keys(std::string& out, const std::vector<Key<Owner>>& keys) {
  static constexpr std::pair<Action, std::string_view> kParts[] = {
      {Action::alias, "Old names, translated with a warning"},
      {Action::notice, "Accepted without effect, said in one line"},
      {Action::later, "Valid, but not trained by this version unless off"},
      {Action::unread, "Read by nobody, Axolotl drops them silently; what may be meant"},
      {Action::reject, "Refused by Axolotl too"}};
  for (const auto& [action, title] : kParts) {
    bool any = false;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Key<Owner>& key = keys[i];
      if (key.action != action) continue;
      const bool told = i > 0 && keys[i - 1].action == action && keys[i - 1].doc == key.doc &&
                        action != Action::alias;
      if (told) continue;
      if (!any) out += fmt::format("\n{}:\n\n", title);
      any = true;
      if (action == Action::alias) {
        out += key.target_value.empty()
                   ? fmt::format("- `{}`: `{}`\n", key.name, key.target)
                   : fmt::format("- `{}`: `{}: {}`\n", key.name, key.target, key.target_value);
        continue;
      }
      std::string names = fmt::format("`{}`", key.name);
      for (std::size_t j = i + 1;
           j < keys.size() && keys[j].action == action && keys[j].doc == key.doc; ++j)
        names += fmt::format(", `{}`", keys[j].name);
      out += fmt::format("- {}: {}.\n", names, key.doc);
    }
  }
}

}  // namespace

std::string reference_markdown() {
  std::string out =
      "# Configuration\n"
      "\n"
      "<!-- Made by `axolotl-hpc schema --markdown` from src/config; do not edit by hand. -->\n"
      "\n"
      "A configuration is one YAML file with Axolotl's keys. `axolotl-hpc validate FILE` shows "
      "every\n"
      "problem of it with line and column; `axolotl-hpc init` writes one to start from;\n"
      "`axolotl-hpc schema` prints the JSON Schema for editors. Any key can be given on the "
      "command\n"
      "line: `--learning-rate 1e-4`, `--datasets.0.path rows.jsonl`, `--no-sample-packing`.\n"
      "\n"
      "An empty value is the same as no value. Numbers may be quoted and may be written `2e-5`;\n"
      "`yes`, `no`, `on` and `off` are booleans, as in YAML 1.1. A key that is not in these "
      "tables\n"
      "has no effect and is warned about; `--strict` makes it an error.\n"
      "\n"
      "Exit codes of every command: 0 done, 1 failed while running, 2 the input is wrong, 75 "
      "stopped\n"
      "on request with a checkpoint written: run again to resume.\n";
  const Config defaults;
  for (const ConfigSection& section : sections()) {
    out += fmt::format("\n## {}\n", section.title);
    working_keys(out, defaults, section.keys);
    other_keys(out, section.keys);
    if (section.title == "Data") {
      out += "\n### One entry of datasets\n";
      working_keys(out, DatasetConfig{}, dataset_keys());
      out += fmt::format(
          "\nTypes: `{}`, or a map of `system_prompt`, `system_format`, "
          "`field_system`, `field_instruction`, `field_input`, `field_output`, "
          "`format` and `no_input_format`.\n"
          "A prompt style stands behind a colon, as in `alpaca:chat`: `{}` take `{}`.\n",
          fmt::join(dataset_types(), "`, `"), fmt::join(styled_dataset_types(), "`, `"),
          fmt::join(prompt_styles(), "`, `"));
      other_keys(out, dataset_keys());
    }
  }
  return out;
}

}  // namespace axl::config
