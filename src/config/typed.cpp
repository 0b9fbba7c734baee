#include "config/typed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/value.hpp"
#include "core/json.hpp"
#include "core/suggest.hpp"

namespace axl::config {
namespace {

using Json = nlohmann::ordered_json;

bool is_map_kind(Kind kind) {
  return kind == Kind::map || kind == Kind::text_map || kind == Kind::number_map;
}

class Checker {
 public:
  explicit Checker(Report& report) : report_(report) {}

  std::optional<Json> check(const Field& f, const Node& node, const std::string& name) const {
    if (node.is_null()) return Json(nullptr);
    switch (f.kind) {
      case Kind::any:
        return parse_json<Json>(to_json(node));
      case Kind::boolean:
        if (const auto v = as_bool(node)) return Json(*v);
        return refuse(f, node, name);
      case Kind::boolean_or_word:
        if (const auto v = as_bool(node)) return Json(*v);
        return word(f, node, name);
      case Kind::boolean_or_text:
        return boolean_or_text(f, node, name);
      case Kind::boolean_or_map:
        if (const auto v = as_bool(node)) return Json(*v);
        return map(f, node, name);
      case Kind::integer:
        return integer(f, node, name);
      case Kind::number:
        return number(f, node, name);
      case Kind::text:
        return f.allowed.empty() ? text(f, node, name) : word(f, node, name);
      case Kind::text_or_map:
        return node.kind == Node::Kind::scalar ? text(f, node, name) : map(f, node, name);
      case Kind::text_or_list:
        if (node.kind == Node::Kind::scalar)
          return f.allowed.empty() ? text(f, node, name) : word(f, node, name);
        return list(f, node, name, &Checker::text);
      case Kind::integer_or_text:
        return integer_or_text(f, node, name);
      case Kind::integer_or_list:
        if (node.kind == Node::Kind::scalar) return integer(f, node, name);
        return list(f, node, name, &Checker::integer);
      case Kind::text_list:
        return list(f, node, name, &Checker::text);
      case Kind::integer_list:
        return list(f, node, name, &Checker::integer);
      case Kind::number_list:
        return list(f, node, name, &Checker::number);
      case Kind::map:
      case Kind::text_map:
      case Kind::number_map:
        return map(f, node, name);
      case Kind::map_list:
        return list(f, node, name, &Checker::map);
    }
    return std::nullopt;
  }

 private:
  using Reading = std::optional<Json> (Checker::*)(const Field&, const Node&,
                                                   const std::string&) const;

  std::optional<Json> refuse(const Field& f, const Node& node, const std::string& name,
                             const std::string& hint = "") const {
    report_.error(name, node, fmt::format("must be {}; got {}", what_is_allowed(f), found(node)),
                  hint);
    return std::nullopt;
  }
  static bool in_bounds(const Field& f, double v) {
    return (f.above_minimum ? v > f.minimum : v >= f.minimum) && v <= f.maximum;
  }
  std::optional<Json> integer(const Field& f, const Node& node, const std::string& name) const {
    auto v = as_integer(node);
    if (!v && as_bool(node) == false) v = 0;  // off, as pydantic reads it
    if (!v || !in_bounds(f, static_cast<double>(*v))) return refuse(f, node, name);
    return Json(*v);
  }
  std::optional<Json> number(const Field& f, const Node& node, const std::string& name) const {
    const auto v = as_number(node);
    if (!v || !in_bounds(f, *v)) return refuse(f, node, name);
    return Json(*v);
  }
  std::optional<Json> text(const Field& f, const Node& node, const std::string& name) const {
    if (auto v = as_text(node)) return Json(std::move(*v));
    return refuse(f, node, name, quoting_hint(node));
  }
  /// Quoted words are text: only what YAML itself reads as a boolean is one, and 0 and 1.
  std::optional<Json> boolean_or_text(const Field& f, const Node& node,
                                      const std::string& name) const {
    bool b = false;
    if (node.plain && is_yaml_bool(node.text, b)) return Json(b);
    const auto number = node.plain ? as_number(node) : std::nullopt;
    if (number && (*number == 0.0 || *number == 1.0)) return Json(*number == 1.0);
    return text(f, node, name);
  }
  std::optional<Json> integer_or_text(const Field& f, const Node& node,
                                      const std::string& name) const {
    if (!node.plain || !as_number(node)) return text(f, node, name);
    return integer(f, node, name);
  }
  std::optional<Json> word(const Field& f, const Node& node, const std::string& name) const {
    const auto v = as_text(node);
    if (!v) return refuse(f, node, name);
    if (std::find(f.allowed.begin(), f.allowed.end(), *v) != f.allowed.end()) return Json(*v);
    const std::string near = nearest(*v, {f.allowed.begin(), f.allowed.end()});
    return refuse(f, node, name, near.empty() ? "" : fmt::format("did you mean '{}'?", near));
  }
  std::optional<Json> list(const Field& f, const Node& node, const std::string& name,
                           Reading reading) const {
    const bool one_is_enough = f.kind == Kind::text_or_list || f.kind == Kind::integer_or_list ||
                               node.line == 0;  // the command line
    if (node.kind != Node::Kind::sequence && (node.kind != Node::Kind::scalar || !one_is_enough))
      return refuse(f, node, name,
                    node.kind == Node::Kind::scalar ? "write it as a list: [...]" : "");
    Json out = Json::array();
    bool good = true;
    const std::size_t count = node.kind == Node::Kind::scalar ? 1 : node.items.size();
    for (std::size_t i = 0; i < count; ++i) {
      const Node& item = node.kind == Node::Kind::scalar ? node : node.items[i];
      if (auto v = (this->*reading)(f, item, fmt::format("{}.{}", name, i)))
        out.push_back(std::move(*v));
      else
        good = false;
    }
    if (!good) return std::nullopt;
    return out;
  }
  std::optional<Json> map(const Field& f, const Node& node, const std::string& name) const {
    if (node.kind != Node::Kind::map) return refuse(f, node, name);
    Json out = Json::object();
    bool good = true;
    for (const Entry& e : node.entries) {
      const Field* field = find(f, e.key);
      const std::string inner = name + "." + e.key;
      if (!field && !f.fields.empty()) {
        report_.unknown(report_.place(inner, e.line, e.column), nearest_field(f, e.key));
        continue;
      }
      auto v = field ? check(*field, e.value, inner) : parse_json<Json>(to_json(e.value));
      if (v)
        out[field ? std::string(field->name) : e.key] = std::move(*v);
      else
        good = false;
    }
    for (const Field& field : f.fields) {
      const Entry* there = field.needed ? node.find(field.name) : nullptr;
      if (!field.needed || (there && !there->value.is_null())) continue;
      report_.error(name + "." + std::string(field.name), node, "is required");
      good = false;
    }
    if (!good) return std::nullopt;
    return out;
  }
  static const Field* find(const Field& f, std::string_view key) {
    const auto named = [&f](std::string_view name) -> const Field* {
      for (const Field& field : f.fields)
        if (field.name == name) return &field;
      return nullptr;
    };
    if (const Field* exact = named(key)) return exact;
    if (f.old_prefix.empty() || !key.starts_with(f.old_prefix)) return nullptr;
    return named(key.substr(f.old_prefix.size()));
  }
  static std::string nearest_field(const Field& f, std::string_view key) {
    std::vector<std::string> names;
    for (const Field& field : f.fields) names.emplace_back(field.name);
    if (!f.old_prefix.empty() && key.starts_with(f.old_prefix))
      key.remove_prefix(f.old_prefix.size());
    return nearest(std::string(key), names);
  }

  Report& report_;
};

}  // namespace

std::string what_is_allowed(const Field& f) {
  if (f.kind == Kind::boolean_or_word)
    return fmt::format("true, false or {}", fmt::join(f.allowed, ", "));
  if (f.kind == Kind::text_or_list && !f.allowed.empty())
    return fmt::format("{} or a list of text", fmt::join(f.allowed, ", "));
  if (!f.allowed.empty()) return fmt::format("one of {}", fmt::join(f.allowed, ", "));
  static constexpr std::string_view kNames[] = {"true or false",
                                                "an integer",
                                                "a number",
                                                "text",
                                                "a list of text",
                                                "a list of integers",
                                                "a map of text",
                                                "a map of numbers",
                                                "a value",
                                                "a list of numbers",
                                                "true or false",
                                                "true, false or text",
                                                "true, false or a map",
                                                "text or a list of text",
                                                "text or a map",
                                                "an integer or text",
                                                "an integer or a list of integers",
                                                "a map",
                                                "a list of maps"};
  std::string out(kNames[static_cast<std::size_t>(f.kind)]);
  if (is_map_kind(f.kind) && !f.fields.empty()) out = "a map";
  const bool low = std::isfinite(f.minimum), high = std::isfinite(f.maximum);
  if (low && high && !f.above_minimum)
    out += fmt::format(" from {} to {}", f.minimum, f.maximum);
  else if (low)
    out += fmt::format(", {} {}", f.above_minimum ? "more than" : "at least", f.minimum);
  if (high && (!low || f.above_minimum)) out += fmt::format(", at most {}", f.maximum);
  return out;
}

std::optional<nlohmann::ordered_json> typed_value(const Field& field, const Node& node,
                                                  const std::string& name, Report& report) {
  return Checker(report).check(field, node, name);
}

}  // namespace axl::config
