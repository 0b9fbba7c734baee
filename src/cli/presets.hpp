#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace axl::cli {

/// A model family with the settings that fit it.
struct Family {
  std::string_view name;
  std::string_view summary;
  std::string_view base_model;   ///< a name on huggingface.co, or a folder
  std::string_view pad_token;    ///< "" when the tokenizer has one
  std::string_view end_of_turn;  ///< "" when it is the end-of-sequence token
  bool chat = true;              ///< has a chat template of its own; else instructions
  int sequence_len = 2048;
  std::string_view learning_rate_full = "1e-5";
};

enum class Mode { lora, qlora, full };

/// A configuration to start from: a family and how it is trained.
struct Preset {
  std::string name;  ///< FAMILY-MODE
  const Family* family = nullptr;
  Mode mode = Mode::lora;
};

const std::vector<Family>& families();
/// lora, qlora, full.
const std::vector<std::string_view>& mode_names();
/// Every family in every mode.
const std::vector<Preset>& presets();

/// The YAML of a preset with an explanation in every line; it validates as it is.
std::string preset_yaml(const Preset& preset);

}  // namespace axl::cli
