#pragma once
#include <optional>
#include <string>

#include "core/json.hpp"
#include "data/format.hpp"
#include "tokenizer/chat_template.hpp"

namespace axl::data {

/// The chat template of a dataset with the variables that the configuration and the tokenizer
/// give it. const calls are thread-safe.
class ChatRenderer {
 public:
  explicit ChatRenderer(const FormatContext& context);  ///< Error{config} when there is no template
  /// `messages` is a list; empty or null `tools` are none.
  std::string render(const nlohmann::ordered_json& messages, const nlohmann::ordered_json& tools,
                     bool generation_prompt) const;
  const std::string& source() const { return source_; }

 private:
  std::string source_;
  tokenizer::ChatTemplate template_;
  std::optional<tokenizer::ChatTemplate> tool_template_;  ///< for rows with tools
  nlohmann::ordered_json variables_ = nlohmann::ordered_json::object();
};

}  // namespace axl::data
