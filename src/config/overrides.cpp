#include "config/overrides.hpp"

#include <fmt/format.h>

#include "config/keys.hpp"
#include "config/schema.hpp"
#include "config/value.hpp"
#include "core/error.hpp"

namespace axl::config {
namespace {

/// Places are those of the command line: line 0.
void forget_places(Node& node) {
  node.line = node.column = 0;
  for (Node& item : node.items) forget_places(item);
  for (Entry& e : node.entries) {
    e.line = e.column = 0;
    forget_places(e.value);
  }
}

Node parse_value(const std::string& text) {
  Node node;
  try {
    node = parse_yaml(text, "command line");
  } catch (const Error&) {
    // Text such as "Answer: yes" or "{instruction} [" is not YAML by itself; it is meant as it is.
    node.kind = Node::Kind::scalar;
    node.plain = false;
    node.text = text;
  }
  if (node.kind == Node::Kind::map && text.find('{') == std::string::npos) {
    node = {};
    node.kind = Node::Kind::scalar;
    node.plain = false;
    node.text = text;
  }
  forget_places(node);
  return node;
}

std::vector<std::string> split(const std::string& key) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (std::size_t dot = key.find('.'); dot != std::string::npos; dot = key.find('.', from)) {
    parts.push_back(key.substr(from, dot - from));
    from = dot + 1;
  }
  parts.push_back(key.substr(from));
  return parts;
}

/// Descends into `node` by one part of the key, making what is not there; nullptr: reported.
Node* step_into(Node& node, const std::string& part, const std::string& key, Report& report) {
  const bool index = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
  if (index && node.kind != Node::Kind::map) {
    if (node.kind == Node::Kind::null) node.kind = Node::Kind::sequence;
    const std::size_t i = part.size() < 7 ? std::stoul(part) : node.items.size() + 1;
    if (node.kind != Node::Kind::sequence || i > node.items.size()) {
      report.error(
          {"command line", 0, 0, key},
          node.kind == Node::Kind::sequence
              ? fmt::format("there is no entry {}; the list has {}", part, node.items.size())
              : fmt::format("'{}' numbers an entry of a list, but here is {}", part, found(node)));
      return nullptr;
    }
    if (i == node.items.size()) node.items.emplace_back();
    return &node.items[i];
  }
  if (node.kind == Node::Kind::null) node.kind = Node::Kind::map;
  if (node.kind != Node::Kind::map) {
    report.error({"command line", 0, 0, key},
                 fmt::format("'{}' names a key of a map, but here is {}", part, found(node)),
                 node.kind == Node::Kind::sequence ? "number the list's entries from 0" : "");
    return nullptr;
  }
  if (Entry* e = node.find(part)) return &e->value;
  node.entries.push_back({part, 0, 0, {}});
  return &node.entries.back().value;
}

}  // namespace

void apply_overrides(Node& root, const std::vector<std::pair<std::string, std::string>>& overrides,
                     Report& report) {
  for (const auto& [key, text] : overrides) {
    const std::vector<std::string> parts = split(key);
    if (!find_key(parts.front())) {
      const std::string near = nearest_known_key(parts.front());
      report.error({"command line", 0, 0, key}, "no such option and no such configuration key",
                   near.empty() ? "axolotl-hpc schema lists the keys"
                                : fmt::format("did you mean '{}'?", near));
      continue;
    }
    Node* node = &root;
    for (const std::string& part : parts) {
      node = step_into(*node, part, key, report);
      if (!node) break;
    }
    if (node) *node = parse_value(text);
  }
}

}  // namespace axl::config
