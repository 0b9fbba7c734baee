#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "config/config.hpp"
#include "core/json.hpp"

namespace axl::config {

/// The smallest configuration that is accepted; tests append lines to it. Its last line is the 8th.
inline const std::string kMinimal =
    "base_model: models/m\n"
    "learning_rate: 2e-5\n"
    "micro_batch_size: 2\n"
    "gradient_accumulation_steps: 3\n"
    "datasets:\n"
    "  - path: rows.jsonl\n"
    "    type: alpaca\n"
    "optimizer: adamw_torch\n";

inline const std::string kLora =
    kMinimal + "adapter: lora\nlora_r: 8\nlora_alpha: 16\nlora_target_linear: true\n";

inline LoadResult read(const std::string& yaml, LoadOptions options = {}) {
  if (!options.native_bf16) options.native_bf16 = false;
  return load_text(yaml, "a.yaml", options);
}

inline std::string all(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings) out += to_string(f) + "\n";
  return out;
}

/// The one finding about `key`; a failure when there is none.
inline Finding about(const std::vector<Finding>& findings, const std::string& key) {
  const auto it = std::find_if(findings.begin(), findings.end(),
                               [&key](const Finding& f) { return f.where.key == key; });
  if (it == findings.end()) {
    ADD_FAILURE() << "nothing about " << key << " in:\n" << all(findings);
    return {};
  }
  return *it;
}

inline nlohmann::json effective(const LoadResult& result) {
  return axl::parse_json<nlohmann::json>(result.effective_json);
}

}  // namespace axl::config
