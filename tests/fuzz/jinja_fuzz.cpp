// A chat template from untrusted bytes: it is refused with an Error, or it renders a conversation
// within its limits of time, memory and nesting.
#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "core/json.hpp"
#include "tokenizer/chat_template.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Json = nlohmann::ordered_json;
  static const Json variables = Json::parse(R"({
    "messages": [{"role": "system", "content": "Be brief."},
                 {"role": "user", "content": [{"type": "text", "text": "Hi \u00e9"}]},
                 {"role": "assistant", "content": null, "reasoning_content": "r",
                  "tool_calls": [{"id": "c1", "type": "function",
                                  "function": {"name": "f", "arguments": {"x": 1.5, "y": [true, null]}}}]},
                 {"role": "tool", "name": "f", "content": "42"}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>", "n": -3})");
  try {
    const axl::tokenizer::ChatTemplate t(std::string(reinterpret_cast<const char*>(data), size));
    (void)t.render(variables, 1'000'000);
  } catch (const axl::Error&) {
  }
  return 0;
}
