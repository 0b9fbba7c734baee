#include "data/formats/instruction.hpp"

// The Alpaca family: instruction, optional input, output. The sentences are interchange data: a
// model fine-tuned with them expects them to the letter.

namespace axl::data {
namespace {

constexpr const char* kTask =
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.";
constexpr const char* kTaskWithoutInput =
    "Below is an instruction that describes a task. Write a response that appropriately completes "
    "the request.";
constexpr const char* kConcise =
    "Below is an instruction from a USER that describes a task, paired with an input that provides "
    "further context. The ASSISTANT writes a response that concisely and appropriately completes "
    "the request.\n\n";
constexpr const char* kConciseWithoutInput =
    "Below is an instruction from a USER that describes a task. The ASSISTANT writes a response "
    "that appropriately and concisely completes the request.\n\n";

ReadFields columns(std::string instruction, std::string input, std::string output) {
  return [=](const Row& row) {
    InstructionFields f;
    f.instruction = row.required(instruction);
    if (!input.empty()) f.input = row.text(input);
    if (!row.has(output)) row.required(output);  // names the columns found
    f.output = row.text(output);
    return f;
  };
}

PromptStyle style(const FormatContext& c, const char* fallback) {
  return prompt_style(c.style.empty() ? fallback : c.style, c.dataset.where);
}

InstructionLayout task(PromptStyle style) {
  return {.style = std::move(style), .system = kTask, .system_without_input = kTaskWithoutInput};
}
InstructionLayout concise(PromptStyle style) {
  return {
      .style = std::move(style), .system = kConcise, .system_without_input = kConciseWithoutInput};
}

RowConverter alpaca(const FormatContext& c) {
  return instruction_converter(c, task(style(c, "instruct")),
                               columns("instruction", "input", "output"));
}
RowConverter alpaca_instruct(const FormatContext& c) {
  return instruction_converter(c, task(prompt_style("instruct", c.dataset.where)),
                               columns("instruction", "input", "output"));
}
RowConverter alpaca_instruct_no_prompt(const FormatContext& c) {
  return instruction_converter(c, {.style = prompt_style("instruct", c.dataset.where)},
                               columns("instruction", "input", "output"));
}
RowConverter alpaca_chat(const FormatContext& c) {
  const std::string& asked = c.dataset.conversation;
  return instruction_converter(c,
                               task(prompt_style(asked.empty() ? "chat" : asked, c.dataset.where)),
                               columns("instruction", "input", "output"));
}
RowConverter alpaca_chat_concise(const FormatContext& c) {
  return instruction_converter(c, concise(prompt_style("chat", c.dataset.where)),
                               columns("instruction", "input", "output"));
}
RowConverter alpaca_chat_qa(const FormatContext& c) {
  return instruction_converter(c, concise(prompt_style("chat", c.dataset.where)),
                               columns("question", "", "answer"));
}
RowConverter alpaca_chat_camel_ai(const FormatContext& c) {
  return instruction_converter(c, concise(prompt_style("chat", c.dataset.where)),
                               columns("message_1", "", "message_2"));
}
RowConverter alpaca_chat_no_prompt(const FormatContext& c) {
  return instruction_converter(c, {.style = prompt_style("chat", c.dataset.where)},
                               columns("instruction", "input", "output"));
}
RowConverter gpteacher(const FormatContext& c) {
  return instruction_converter(c, task(style(c, "instruct")),
                               columns("instruction", "input", "response"));
}
RowConverter oasst(const FormatContext& c) {
  return instruction_converter(c, task(style(c, "instruct")),
                               columns("INSTRUCTION", "", "RESPONSE"));
}
RowConverter jeopardy(const FormatContext& c) {
  return instruction_converter(c, task(style(c, "instruct")), [](const Row& row) {
    return InstructionFields{row.required("question"), row.text("category"),
                             "what is " + row.required("answer"), ""};
  });
}

}  // namespace

std::vector<FormatSpec> alpaca_specs() {
  return {
      {"alpaca", "instruction, [input], output", true, &alpaca},
      {"alpaca_instruct", "instruction, [input], output", false, &alpaca_instruct},
      {"alpaca_instruct.load_no_prompt", "instruction, [input], output", false,
       &alpaca_instruct_no_prompt},
      {"alpaca_chat", "instruction, [input], output", false, &alpaca_chat},
      {"alpaca_chat.load_concise", "instruction, [input], output", false, &alpaca_chat_concise},
      {"alpaca_chat.load_qa", "question, answer", false, &alpaca_chat_qa},
      {"alpaca_chat.load_camel_ai", "message_1, message_2", false, &alpaca_chat_camel_ai},
      {"alpaca_chat.load_no_prompt", "instruction, [input], output", false, &alpaca_chat_no_prompt},
      {"gpteacher", "instruction, [input], response", true, &gpteacher},
      {"oasst", "INSTRUCTION, RESPONSE", true, &oasst},
      {"jeopardy", "question, category, answer", true, &jeopardy},
  };
}

}  // namespace axl::data
