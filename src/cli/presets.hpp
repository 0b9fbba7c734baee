#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace axl::cli {

/// A configuration to start from.
struct Preset {
  std::string_view name;
  std::string_view summary;
  std::string_view base_model;
  std::string_view pad_token;  ///< "" when the tokenizer has one
  bool lora = true;
  int sequence_len = 2048;
  std::string_view learning_rate;
  std::string_view chat_template;
};

const std::vector<Preset>& presets();

/// The commented YAML of a preset; it validates as it is.
std::string preset_yaml(const Preset& preset);

}  // namespace axl::cli
