#pragma once
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <type_traits>

#include "config/report.hpp"
#include "config/schema.hpp"
#include "config/typed.hpp"
#include "config/value.hpp"
#include "core/json.hpp"
#include "core/suggest.hpp"

// From a node to the member that its key names, and from the member to JSON.
namespace axl::config {

template <class Owner>
class Binder {
 public:
  Binder(Owner& owner, const Key<Owner>& key, const Node& node, const std::string& name,
         Report& report)
      : owner_(owner), key_(key), node_(node), name_(name), report_(report) {}

  void operator()(std::monostate) const {}
  template <class T>
  void operator()(T Owner::*member) const {
    T value{};
    if (read(node_, value)) owner_.*member = std::move(value);
  }

 private:
  bool refuse(const Node& node, const std::string& hint = "") const {
    report_.error(name_, node,
                  fmt::format("must be {}; got {}", what_is_allowed(key_), found(node)), hint);
    return false;
  }
  bool in_bounds(double v) const {
    return (key_.above_minimum ? v > key_.minimum : v >= key_.minimum) && v <= key_.maximum;
  }
  bool read(const Node& node, bool& out) const {
    const auto v = as_bool(node);
    if (!v) return refuse(node);
    out = *v;
    return true;
  }
  bool read(const Node& node, std::int64_t& out) const {
    const auto v = as_integer(node);
    const bool octal = !v && node.text.size() > 1 && node.text[0] == '0' &&
                       node.text.find_first_not_of("01234567") == std::string::npos;
    if (octal)
      return refuse(node, "YAML 1.1 reads a leading 0 as octal; write the number without it");
    if (!v || !in_bounds(static_cast<double>(*v))) return refuse(node);
    out = *v;
    return true;
  }
  bool read(const Node& node, double& out) const {
    const auto v = as_number(node);
    if (!v || !in_bounds(*v)) return refuse(node);
    if (key_.whole && !as_integer(node)) return refuse(node);
    out = *v;
    return true;
  }
  bool read(const Node& node, std::string& out) const {
    auto v = as_text(node);
    // Words of the command line stand in a shell's quotes or none: --save-strategy no is the name.
    if (!v && node.line == 0 && node.kind == Node::Kind::scalar && !key_.allowed.empty())
      v = node.text;
    if (!v) return refuse(node, quoting_hint(node));
    if (!key_.allowed.empty()) {
      std::vector<std::string> known(key_.allowed.begin(), key_.allowed.end());
      if (std::find(known.begin(), known.end(), *v) == known.end()) {
        const std::string near = nearest(*v, known);
        return refuse(node, near.empty() ? "" : fmt::format("did you mean '{}'?", near));
      }
    }
    out = *v;
    return true;
  }
  template <class T>
  bool read(const Node& node, std::optional<T>& out) const {
    if constexpr (!std::is_same_v<T, bool>)  // a 0 that is no value counts as not given
      if (as_number(node) == 0.0 && !in_bounds(0.0)) return false;
    T value{};
    if (!read(node, value)) return false;
    out = value;
    return true;
  }
  template <class T>
  bool read(const Node& node, std::vector<T>& out) const {
    // One value stands for a list of one where Axolotl takes that too, and on the command line.
    if (node.kind == Node::Kind::scalar && (key_.list_or_one || node.line == 0)) {
      T value{};
      if (!read(node, value)) return false;
      out.push_back(std::move(value));
      return true;
    }
    if (node.kind != Node::Kind::sequence) return refuse(node);
    bool good = true;
    for (const Node& item : node.items) {
      T value{};
      if (read(item, value))
        out.push_back(std::move(value));
      else
        good = false;
    }
    return good;
  }
  template <class T>
  bool read(const Node& node, std::map<std::string, T>& out) const {
    if (node.kind != Node::Kind::map) return refuse(node);
    bool good = true;
    for (const Entry& e : node.entries) {
      T value{};
      if (read(e.value, value))
        out[e.key] = std::move(value);
      else
        good = false;
    }
    return good;
  }

  Owner& owner_;
  const Key<Owner>& key_;
  const Node& node_;
  const std::string& name_;
  Report& report_;
};

/// Reads `node` into the member or by the key's own reader; reports what is wrong.
template <class Owner>
void bind(Owner& owner, const Key<Owner>& key, const Node& node, const std::string& name,
          Report& report) {
  if (key.reader)
    key.reader(owner, node, name, report);
  else
    std::visit(Binder<Owner>(owner, key, node, name, report), key.member);
}

template <class T>
nlohmann::ordered_json json_of(const T& value) {
  return nlohmann::ordered_json(value);
}
template <class T>
nlohmann::ordered_json json_of(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

/// The member's value; null for a key without one and for empty text.
template <class Owner>
nlohmann::ordered_json value_of(const Owner& owner, const Key<Owner>& key) {
  return std::visit(
      [&owner](auto member) -> nlohmann::ordered_json {
        using M = decltype(member);
        if constexpr (std::is_same_v<M, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<M, std::string Owner::*>) {
          const std::string& text = owner.*member;
          return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
        } else {
          return json_of(owner.*member);
        }
      },
      key.member);
}

}  // namespace axl::config
