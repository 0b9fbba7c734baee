#pragma once
#include <string>

#include "data/format.hpp"

namespace axl::data {

/// Literal frame of a prompt; {system}, {instruction} and {input} are replaced.
struct PromptStyle {
  std::string turn;
  std::string turn_without_input;
  std::string system;
};

/// instruct, chat, chatml or phi; Error{config} otherwise.
PromptStyle prompt_style(const std::string& name, const UserLocation& where);

/// What a row says, whatever its columns are called.
struct InstructionFields {
  std::string instruction, input, output, system;
};

/// A single-turn format: prompt = [system] + turn is masked, the output is trained.
struct InstructionLayout {
  PromptStyle style;
  std::string system = {};                ///< fixed system text for rows with an input
  std::string system_without_input = {};  ///< and for rows without
  bool system_from_row = false;           ///< InstructionFields::system instead
  bool always_system = false;             ///< print the system frame even when the text is empty
  int eos_count = 1;
};

using ReadFields = std::function<InstructionFields(const Row&)>;

RowConverter instruction_converter(const FormatContext& context, InstructionLayout layout,
                                   ReadFields read);

}  // namespace axl::data
