#include "cli/registry.hpp"

namespace axl::cli {

// One declaration and one line a command; the order is that of --help.
CommandSpec doctor_command();
CommandSpec export_command();
CommandSpec inference_command();
CommandSpec init_command();
CommandSpec merge_command();
CommandSpec plan_command();
CommandSpec preprocess_command();
CommandSpec preview_command();
CommandSpec schema_command();
CommandSpec tokenize_command();
CommandSpec train_command();
CommandSpec validate_command();
CommandSpec version_command();

const std::vector<CommandGroup>& command_groups() {
  static const std::vector<CommandGroup> groups{
      {"Train",
       {
           train_command(),
           plan_command(),
       }},
      {"Configure",
       {
           init_command(),
           validate_command(),
           schema_command(),
       }},
      {"Data",
       {
           preprocess_command(),
           preview_command(),
           tokenize_command(),
       }},
      {"Models and adapters",
       {
           inference_command(),
           merge_command(),
           export_command(),
       }},
      {"About this installation",
       {
           doctor_command(),
           version_command(),
       }},
  };
  return groups;
}

const CommandSpec* find_command(std::string_view name) {
  for (const CommandGroup& group : command_groups())
    for (const CommandSpec& spec : group.commands)
      if (spec.name == name) return &spec;
  return nullptr;
}

}  // namespace axl::cli
