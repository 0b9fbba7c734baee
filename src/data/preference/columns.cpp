
#include "core/json.hpp"
#include "data/preference.hpp"
#include "data/prompt_layout.hpp"

// Preference rows whose columns are final, or framed by the user's own map under `type:`.

namespace axl::data {
namespace {

bool label_of(const Row& row, const std::string& column) {
  const nlohmann::ordered_json label = row.value(column);
  if (!label.is_boolean())
    throw RowError{"column '" + column + "' is not true or false; columns found: " + row.columns()};
  return label.get<bool>();
}

ComparisonReader passthrough_pairs(const FormatContext& c) {
  return [chosen = c.dataset.field_chosen, rejected = c.dataset.field_rejected](const Row& row) {
    Comparison out;
    out.prompt = row.required("prompt");
    out.chosen = row.required(chosen);
    out.rejected = row.required(rejected);
    return out;
  };
}

ComparisonReader passthrough_kto(const FormatContext&) {
  return [](const Row& row) {
    Comparison out;
    out.prompt = row.required("prompt");
    out.chosen = row.required("completion");
    out.desirable = label_of(row, "label");
    return out;
  };
}

/// The map's entries with their defaults.
class Layout {
 public:
  explicit Layout(const FormatContext& c) : map_(c.dataset.user_defined) {
    check(c, "prompt_format", {"prompt", "system"});
    check(c, "chosen_format", {"chosen"});
    check(c, "rejected_format", {"rejected"});
    check(c, "completion_format", {"completion"});
  }
  std::string get(const char* key, const char* fallback) const {
    const auto it = map_.find(key);
    return it == map_.end() ? fallback : it->second;
  }
  std::string prompt(const Row& row) const {
    const std::string field = get("field_system", "system");
    return fill(get("prompt_format", "{prompt}"),
                {{"prompt", row.required(get("field_prompt", "prompt"))},
                 {"system", row.has(field) ? row.text(field) : ""}});
  }
  /// `name` is chosen, rejected or completion.
  std::string answer(const Row& row, const char* name) const {
    const std::string field = get(("field_" + std::string(name)).c_str(), name);
    const std::string layout = get((std::string(name) + "_format").c_str(), "");
    const std::string text = row.required(field);
    return layout.empty() ? text : fill(layout, {{name, text}});
  }

 private:
  void check(const FormatContext& c, const char* key,
             std::initializer_list<std::string_view> names) const {
    if (const std::string why = layout_problem(get(key, ""), names); !why.empty())
      throw Error(ErrorCode::config, std::string(key) + ": " + why).at(c.dataset.where);
  }

  std::map<std::string, std::string> map_;
};

ComparisonReader user_defined_pairs(const FormatContext& c) {
  return [layout = Layout(c)](const Row& row) {
    Comparison out;
    out.prompt = layout.prompt(row);
    out.chosen = layout.answer(row, "chosen");
    out.rejected = layout.answer(row, "rejected");
    return out;
  };
}

ComparisonReader user_defined_kto(const FormatContext& c) {
  return [layout = Layout(c)](const Row& row) {
    Comparison out;
    out.prompt = layout.prompt(row);
    out.chosen = layout.answer(row, "completion");
    out.desirable = label_of(row, layout.get("field_label", "label"));
    return out;
  };
}

}  // namespace

PreferenceSpec passthrough_pairs_spec() {
  return {"passthrough", "prompt, chosen, rejected", &passthrough_pairs};
}
PreferenceSpec passthrough_kto_spec() {
  return {"passthrough", "prompt, completion, label", &passthrough_kto};
}
PreferenceSpec user_defined_pairs_spec() {
  return {"user_defined", "as the map of `type:` names them", &user_defined_pairs};
}
PreferenceSpec user_defined_kto_spec() {
  return {"user_defined", "as the map of `type:` names them", &user_defined_kto};
}

}  // namespace axl::data
