#pragma once
#include <cstdint>
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
  /// Keys keep their order. Error{data} carries raise_exception's text, or names the limit that was
  /// reached: `most_steps` of work (a step is about an operation or ten bytes of text), 64 MiB in a
  /// value or the output, 500 levels in a value, 1000 nested calls.
  std::string render(const nlohmann::ordered_json& variables,
                     std::int64_t most_steps = kMostSteps) const;
  static constexpr std::int64_t kMostSteps = 100'000'000;  ///< about ten seconds
  const std::string& source() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axl::tokenizer
