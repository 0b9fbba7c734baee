#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace axl::tokenizer {

/// A compiled Jinja chat template, rendered exactly as transformers' apply_chat_template does
/// (trim_blocks, lstrip_blocks, tojson with ensure_ascii=False, raise_exception, strftime_now).
class ChatTemplate {
 public:
  /// Error{input} with line and column of the template on a syntax error.
  explicit ChatTemplate(const std::string& source);
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  /// `variables` is an object: messages, tools, add_generation_prompt, bos_token, eos_token, ...
  /// Keys keep their order. Error{data} carries raise_exception's text. Loops and output are
  /// bounded.
  std::string render(const nlohmann::ordered_json& variables) const;
  const std::string& source() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Templates by Axolotl's names (chatml, llama3, qwen_25, qwen3, gemma, phi_3, alpaca,
/// mistral_v1...); Error{config} lists the known ones.
const std::string& named_chat_template(const std::string& name);

}  // namespace axl::tokenizer
