#pragma once
#include <cmath>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "config/node.hpp"
#include "config/report.hpp"
#include "config/value.hpp"

namespace axl::config {

/// The file's keys by name, old names resolved, with what the rules between keys ask about them.
class Given {
 public:
  Given(const Config& config, const Node& root, Report& report)
      : config_(config), root_(root), report_(report) {}

  /// The value, nullptr when there is none.
  const Node* find(std::string_view key) const {
    const Entry* e = root_.find(key);
    return e && !e->value.is_null() ? &e->value : nullptr;
  }
  /// The key stands in the file, even with no value.
  bool written(std::string_view key) const { return root_.find(key) != nullptr; }
  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// Given and neither empty nor false nor 0.
  bool on(std::string_view key) const {
    const Node* node = find(key);
    return node && is_on(*node);
  }
  /// A value inside a map: inner("trl", "beta").
  const Node* inner(std::string_view key, std::string_view name) const {
    const Node* node = find(key);
    const Entry* e = node && node->kind == Node::Kind::map ? node->find(name) : nullptr;
    return e && !e->value.is_null() ? &e->value : nullptr;
  }
  bool inner_on(std::string_view key, std::string_view name) const {
    const Node* node = inner(key, name);
    return node && is_on(*node);
  }
  std::string text(std::string_view key) const {
    const Node* node = find(key);
    return node ? node->text : "";
  }
  bool is(std::string_view key, std::string_view value) const { return text(key) == value; }
  /// An integer key; `otherwise` when it is not given or not one.
  std::int64_t integer(std::string_view key, std::int64_t otherwise) const {
    const Node* node = find(key);
    return node ? as_integer(*node).value_or(otherwise) : otherwise;
  }
  bool is_false(std::string_view key) const {
    const Node* node = find(key);
    return node && !as_bool(*node).value_or(true);
  }
  /// A value of fsdp_config, under its name or with the old prefix.
  const Node* fsdp(const std::string& name) const {
    const Node* node = inner("fsdp_config", name);
    return node ? node : inner("fsdp_config", "fsdp_" + name);
  }
  /// 1 or 2 with FSDP, else 0.
  std::int64_t fsdp_version() const {
    if (has("fsdp_version")) return integer("fsdp_version", 1);
    if (const Node* node = fsdp("version")) return as_integer(*node).value_or(1);
    return on("fsdp_config") || on("fsdp") ? 1 : 0;
  }

  UserLocation at(std::string_view key) const {
    const std::string name(key);
    const Entry* e = root_.find(key);
    if (!e) return {report_.file(), 1, 1, name};
    return report_.place(name, e->value.line ? e->value.line : e->line,
                         e->value.line ? e->value.column : e->column);
  }
  void error(std::string_view key, std::string message, std::string hint = "") const {
    report_.error(at(key), std::move(message), std::move(hint));
  }
  void error_at(const UserLocation& where, std::string message, std::string hint = "") const {
    report_.error(where, std::move(message), std::move(hint));
  }
  void unsupported(std::string_view key, std::string message, std::string hint = "") const {
    report_.unsupported(at(key), std::move(message), std::move(hint));
  }
  void warning(std::string_view key, std::string message, std::string hint = "") const {
    report_.warning(at(key), std::move(message), std::move(hint));
  }
  /// Both are on: `second` is the one to take out.
  void exclusive(std::string_view first, std::string_view second, std::string hint = "") const {
    if (on(first) && on(second))
      error(second, "cannot be given together with " + std::string(first),
            hint.empty() ? "keep one of the two" : std::move(hint));
  }
  /// `key` is on and `other` is not.
  void needs(std::string_view key, std::string_view other, std::string hint = "") const {
    if (on(key) && !on(other)) error(key, "needs " + std::string(other), std::move(hint));
  }
  /// Axolotl drops this key of an entry without a word.
  void dropped(const std::string& key, const Entry& e, std::string message) const {
    report_.ignored(report_.place(key, e.line, e.column), std::move(message));
  }
  const Config& config() const { return config_; }

 private:
  const Config& config_;
  const Node& root_;
  Report& report_;
};

// Groups of rules, one file each; check_rules() runs them all.
void path_rules(const Given&);
void data_rules(const Given&);
void adapter_rules(const Given&);
void kernel_rules(const Given&);
void optimizer_rules(const Given&);
void parallel_rules(const Given&);
void preference_rules(const Given&);

}  // namespace axl::config
