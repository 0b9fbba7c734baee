#include "data/formats/instruction.hpp"

#include "data/prompt_layout.hpp"
#include "data/text_tokens.hpp"

namespace axl::data {

PromptStyle prompt_style(const std::string& name, const UserLocation& where) {
  if (name == "instruct")
    return {"### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n",
            "### Instruction:\n{instruction}\n\n### Response:\n", "{system}\n\n"};
  if (name == "chat")
    return {"USER: {instruction}\n{input}\nASSISTANT:", "USER: {instruction}\nASSISTANT:",
            "SYSTEM: {system}\n"};
  if (name == "chatml")
    return {"<|im_start|>user\n{instruction}\n{input}<|im_end|>\n<|im_start|>assistant\n",
            "<|im_start|>user\n{instruction}<|im_end|>\n<|im_start|>assistant\n",
            "<|im_start|>system\n{system}<|im_end|>\n"};
  if (name == "phi")  // the form with an input has no line breaks: kept for equal tokens
    return {"<|user|>\n{instruction}<|end|>{input}<|assistant|>",
            "<|user|>\n{instruction}<|end|>\n<|assistant|>\n", "<|system|>\n{system}<|end|>\n"};
  throw Error(ErrorCode::config, "unknown prompt style '" + name + "'")
      .at(where)
      .hint("known: instruct, chat, chatml, phi");
}

RowConverter instruction_converter(const FormatContext& context, InstructionLayout layout,
                                   ReadFields read) {
  return [&tokenizer = context.tokenizer, length = context.sequence_len,
          train_on_inputs = context.config.train_on_inputs, layout = std::move(layout),
          read = std::move(read)](const Row& row, std::vector<Sample>& out) {
    const InstructionFields f = read(row);
    const std::string& system = layout.system_from_row ? f.system
                                : f.input.empty()      ? layout.system_without_input
                                                       : layout.system;
    std::string prompt;
    if (!system.empty() || layout.always_system)
      prompt = fill(layout.style.system, {{"system", system}});
    prompt += fill(f.input.empty() ? layout.style.turn_without_input : layout.style.turn,
                   {{"instruction", f.instruction}, {"input", f.input}});
    append_prompt_and_response(tokenizer, prompt, f.output, train_on_inputs, length,
                               layout.eos_count, out.emplace_back());
  };
}

}  // namespace axl::data
