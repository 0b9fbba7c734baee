#include <fmt/format.h>

#include <memory>

#include "cli/command.hpp"
#include "config/config.hpp"
#include "core/error.hpp"

namespace axl::cli {
namespace {

struct Options {
  bool strict = false;
  bool markdown = false;
  bool migration = false;
};

void define(CommandLine& command, std::function<int()>& action) {
  auto options = std::make_shared<Options>();
  command.add_flag("--strict", options->strict, "Allow no keys that are unknown");
  command.add_flag("--markdown", options->markdown,
                   "Print the reference page docs/configuration.md instead");
  command.add_flag("--migration", options->migration,
                   "Print the page docs/migration.md, from Axolotl key by key, instead");
  command.footer(
      "Examples:\n"
      "  axolotl-hpc schema --strict > axolotl-hpc.schema.json\n"
      "  then, as the first line of a YAML that the editor should check:\n"
      "  # yaml-language-server: $schema=axolotl-hpc.schema.json");
  action = [options] {
    fmt::print("{}", options->migration  ? config::migration_markdown()
                     : options->markdown ? config::reference_markdown()
                                         : config::json_schema(options->strict));
    return static_cast<int>(kExitDone);
  };
}

}  // namespace

CommandSpec schema_command() {
  return {.name = "schema",
          .summary = "Print the JSON Schema of the configuration, for editors",
          .define = &define};
}

}  // namespace axl::cli
