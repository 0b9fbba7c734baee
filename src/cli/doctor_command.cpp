#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/command.hpp"
#include "cli/machine_checks.hpp"
#include "core/error.hpp"
#include "core/json.hpp"

namespace axl::cli {
namespace {

struct Options {
  std::string scratch = ".";
  bool json = false;
};

const char* word(Check::Verdict verdict) {
  switch (verdict) {
    case Check::Verdict::good:
      return "ok";
    case Check::Verdict::advice:
      return "advice";
    case Check::Verdict::bad:
      return "wrong";
  }
  return "";
}

int examine(const Options& options) {
  const std::vector<Check> checks = check_machine(options.scratch);
  const auto count = [&checks](Check::Verdict v) {
    return std::count_if(checks.begin(), checks.end(),
                         [v](const Check& c) { return c.verdict == v; });
  };
  const auto bad = count(Check::Verdict::bad), advice = count(Check::Verdict::advice);
  if (options.json) {
    auto out = nlohmann::ordered_json::array();
    for (const Check& c : checks)
      out.push_back(
          {{"name", c.name}, {"value", c.value}, {"verdict", word(c.verdict)}, {"hint", c.hint}});
    fmt::print("{}\n", json_text(out, 2));
  } else {
    for (const Check& c : checks) {
      fmt::print("{:<7} {:<14} {}\n", word(c.verdict), c.name, c.value);
      if (!c.hint.empty()) fmt::print("{:<22} hint: {}\n", "", c.hint);
    }
    fmt::print("{}\n", bad > 0      ? fmt::format("{} wrong, {} to consider", bad, advice)
                       : advice > 0 ? fmt::format("nothing wrong, {} to consider", advice)
                                    : "nothing wrong");
  }
  return bad > 0 ? kExitFailed : kExitDone;
}

void define(CommandLine& command, std::function<int()>& action) {
  auto options = std::make_shared<Options>();
  command
      .add_option("--scratch", options->scratch,
                  "Folder whose free space and write speed are measured (default: here)")
      .value_name("DIR");
  command.add_flag("--json", options->json, "Print a JSON array");
  command.footer(
      "Examples:\n"
      "  axolotl-hpc doctor --scratch /scratch/$USER\n"
      "  mpirun -np 2 axolotl-hpc doctor       what each rank sees");
  action = [options] { return examine(*options); };
}

}  // namespace

CommandSpec doctor_command() {
  return {.name = "doctor",
          .summary = "Examine this machine and say what is wrong and how to mend it",
          .define = &define};
}

}  // namespace axl::cli
