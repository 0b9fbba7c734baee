#pragma once
#include "config/config.hpp"
#include "config/node.hpp"
#include "config/report.hpp"
#include "config/typed.hpp"

namespace axl::config {

/// The rules between keys. `root` is the file with the overrides laid over it.
void check_rules(const Config& config, const Node& root, Report& report);

/// Defaults that depend on other keys; called before check_rules. `native_bf16`: the processor
/// computes in bf16.
void derive(Config& config, const Node& root, bool native_bf16, Report& report);

/// Values of given keys that have no member of Config.
using TypedValues = std::map<std::string, nlohmann::ordered_json>;

/// Every key's value after defaults and derivation, as JSON text.
std::string effective_json(const Config& config, const Node& root, const TypedValues& typed);

}  // namespace axl::config
