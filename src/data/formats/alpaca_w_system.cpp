#include "data/formats/instruction.hpp"

// Single-turn formats whose system text is a column of the row.

namespace axl::data {
namespace {

InstructionFields alpaca_fields(const Row& row) {
  if (!row.has("output")) row.required("output");
  if (!row.has("system")) row.required("system");
  return {row.required("instruction"), row.text("input"), row.text("output"), row.text("system")};
}

InstructionFields orca_fields(const Row& row) {
  if (!row.has("response")) row.required("response");
  if (!row.has("system_prompt")) row.required("system_prompt");
  return {row.required("question"), "", row.text("response"), row.text("system_prompt")};
}

RowConverter chat(const FormatContext& c) {
  return instruction_converter(
      c, {.style = prompt_style("chat", c.dataset.where), .system_from_row = true}, &alpaca_fields);
}
RowConverter instruct(const FormatContext& c) {
  return instruction_converter(
      c, {.style = prompt_style("instruct", c.dataset.where), .system_from_row = true},
      &alpaca_fields);
}
RowConverter open_orca(const FormatContext& c) {
  PromptStyle style{"### Human:\n{instruction}\n### Additional Context:\n{input}\n### Assistant:\n",
                    "### Human:\n{instruction}\n### Assistant:\n", "### System:\n{system}\n"};
  return instruction_converter(c, {.style = std::move(style), .system_from_row = true},
                               &orca_fields);
}
RowConverter open_orca_chatml(const FormatContext& c) {
  return instruction_converter(
      c, {.style = prompt_style("chatml", c.dataset.where), .system_from_row = true}, &orca_fields);
}
RowConverter orcamini(const FormatContext& c) {
  PromptStyle style{"", "### User:\n{instruction}\n\n### Response:\n", "### System:\n{system}\n\n"};
  return instruction_converter(
      c, {.style = std::move(style), .system_from_row = true, .always_system = true}, &orca_fields);
}

}  // namespace

std::vector<FormatSpec> system_column_specs() {
  return {
      {"alpaca_w_system", "system, instruction, [input], output", false, &chat},
      {"alpaca_w_system.load_chat", "system, instruction, [input], output", false, &chat},
      {"alpaca_w_system.load_instruct", "system, instruction, [input], output", false, &instruct},
      {"alpaca_w_system.load_open_orca", "system_prompt, question, response", false, &open_orca},
      {"alpaca_w_system.load_open_orca_chatml", "system_prompt, question, response", false,
       &open_orca_chatml},
      {"orcamini", "system_prompt, question, response", false, &orcamini},
  };
}

}  // namespace axl::data
