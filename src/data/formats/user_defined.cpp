#include "data/formats/instruction.hpp"
#include "data/prompt_layout.hpp"

// `type:` as a map: the user's own frame and column names.

namespace axl::data {
namespace {

RowConverter user_defined(const FormatContext& c) {
  const auto get = [&](const char* key, const char* fallback) {
    const auto it = c.dataset.user_defined.find(key);
    return it == c.dataset.user_defined.end() ? std::string(fallback) : it->second;
  };
  PromptStyle style{get("format", "{instruction} {input} "),
                    get("no_input_format", "{instruction} "), get("system_format", "{system}")};
  if (style.turn_without_input.find("{input}") != std::string::npos)
    throw Error(ErrorCode::config, "no_input_format must not contain {input}").at(c.dataset.where);
  const auto check = [&](const char* key, const std::string& layout,
                         std::initializer_list<std::string_view> names) {
    if (const std::string why = layout_problem(layout, names); !why.empty())
      throw Error(ErrorCode::config, std::string(key) + ": " + why).at(c.dataset.where);
  };
  check("format", style.turn, {"instruction", "input"});
  check("no_input_format", style.turn_without_input, {"instruction"});
  check("system_format", style.system, {"system"});
  return instruction_converter(
      c, {.style = std::move(style), .system_from_row = true},
      [instruction = get("field_instruction", "instruction"), input = get("field_input", "input"),
       output = get("field_output", "output"), system = get("field_system", "system"),
       fixed = get("system_prompt", "")](const Row& row) {
        return InstructionFields{row.required(instruction), row.text(input), row.text(output),
                                 row.has(system) ? row.text(system) : fixed};
      });
}

}  // namespace

FormatSpec user_defined_spec() {
  return {"user_defined", "as the map of `type:` names them", false, &user_defined};
}

}  // namespace axl::data
