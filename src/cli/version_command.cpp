#include <fmt/format.h>

#include <memory>

#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "core/error.hpp"
#include "core/json.hpp"

namespace axl::cli {
namespace {

int print_version(bool as_json) {
  const BuildInfo info = build_info();
  const auto libraries = library_versions();
  if (as_json) {
    nlohmann::ordered_json out{{"version", info.version},
                               {"commit", info.commit},
                               {"build", info.build},
                               {"arch", info.arch},
                               {"compiler", info.compiler},
                               {"mpi_compiler", info.mpi_compiler},
                               {"libraries", nlohmann::ordered_json::object()}};
    for (const auto& [name, version] : libraries) out["libraries"][name] = version;
    fmt::print("{}\n", json_text(out, 2));
    return kExitDone;
  }
  fmt::print("axolotl-hpc {} ({})\n", info.version, info.commit);
  fmt::print("  build          {}, -march={}\n", info.build, info.arch);
  fmt::print("  compiler       {}\n", info.compiler);
  fmt::print("  MPI compiler   {}\n", info.mpi_compiler);
  for (const auto& [name, version] : libraries) fmt::print("  {:<14} {}\n", name, version);
  return kExitDone;
}

void define(CommandLine& command, std::function<int()>& action) {
  auto as_json = std::make_shared<bool>(false);
  command.add_flag("--json", *as_json, "Print one JSON object");
  action = [as_json] { return print_version(*as_json); };
}

}  // namespace

CommandSpec version_command() {
  return {.name = "version",
          .summary = "Show the version, the commit, the compilers and the libraries",
          .define = &define};
}

}  // namespace axl::cli
