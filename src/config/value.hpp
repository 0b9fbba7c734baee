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
/// 4096, "4096", 4_096, 0x1000, 4096.0, 1.0e+3; not 0.5, not 042 (YAML 1.1 reads that as octal),
/// not 2e3 (YAML 1.1 reads text, and pydantic takes no text with an exponent for an integer).
std::optional<std::int64_t> as_integer(const Node& node);
/// Finite numbers only; 042 is none, for the same reason.
std::optional<double> as_number(const Node& node);
/// A scalar for which PyYAML gives a string: not a bare boolean, number or date. On the command
/// line numbers are text too where text is wanted.
std::optional<std::string> as_text(const Node& node);

/// Whether a value that is given asks for something: not false, 0, "", an empty list or map.
bool is_on(const Node& node);

/// Why a scalar that looks right is not text, for a hint: YAML reads it as something else; "" if
/// not.
std::string quoting_hint(const Node& node);

/// The node as a message names it: "'eight'", "the boolean yes", "a list of 3", "a map", "nothing".
std::string found(const Node& node);

/// The value as JSON text; plain scalars are what YAML 1.1 reads: 017 is 15, 1:30 is 90, 2e-5 is
/// text.
std::string to_json(const Node& node);

}  // namespace axl::config
