#pragma once
#include <optional>
#include <string>

#include "config/node.hpp"
#include "config/report.hpp"
#include "config/schema.hpp"
#include "core/json.hpp"

// Values of keys that have no member of Config: checked as their Field says and kept as JSON, so
// that every key of Axolotl has its type, its bounds and its place among the effective values.
namespace axl::config {

/// "an integer, at least 1", "true or false, or one of auto": for messages and the reference page.
std::string what_is_allowed(const Field& field);

/// The value as `field` reads it, an empty one as null. std::nullopt: it is not of that kind, which
/// was reported. Keys of a map that its Field does not know are reported as ignored.
std::optional<nlohmann::ordered_json> typed_value(const Field& field, const Node& node,
                                                  const std::string& name, Report& report);

}  // namespace axl::config
