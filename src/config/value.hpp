#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "config/node.hpp"

namespace axl::config {

// Readings of a node as Axolotl (PyYAML, then pydantic) has them, without its accidents: `2e-5` and
// "16" are numbers wherever a number is wanted, `yes` and "true" booleans wherever a boolean is;
// but a boolean is never a number. std::nullopt: the node is not of that kind.

std::optional<bool> as_bool(const Node& node);
/// 4096, "4096", 4_096, 0x1000, 4096.0, 2e3; not 0.5, not 042 (YAML 1.1 reads that as octal).
std::optional<std::int64_t> as_integer(const Node& node);
/// Finite numbers only.
std::optional<double> as_number(const Node& node);
/// Any scalar as it is written, but not a bare boolean: PyYAML would not give a string for it.
std::optional<std::string> as_text(const Node& node);

/// Whether a value that is given asks for something: not false, 0, "", an empty list or map.
bool is_on(const Node& node);

/// The node as a message names it: "'eight'", "the boolean yes", "a list of 3", "a map", "nothing".
std::string found(const Node& node);

/// A plain scalar as JSON text: numbers and booleans bare, everything else quoted.
std::string to_json(const Node& node);

}  // namespace axl::config
