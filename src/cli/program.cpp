#include "cli/program.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <new>
#include <system_error>
#include <thread>

#include "cli/help.hpp"
#include "cli/registry.hpp"
#include "core/error.hpp"
#include "core/launch.hpp"
#include "core/suggest.hpp"

namespace axl::cli {
namespace {

/// A launcher ends the whole job when its first process fails: the ranks that say nothing must not
/// be faster than the one that speaks. Rank 0's end cuts their wait short.
constexpr auto kTimeForRank0 = std::chrono::seconds(2);

int fail(const Error& error) {
  // The ranks of one job read the same command line and the same file, and `collectively` makes all
  // of them throw the same error: rank 0 speaks for all. What broke while running is told by all.
  const bool told_by_rank_0 = error.exit_code() == kExitBadInput || error.is_agreed();
  if (launched_rank() == 0 || !told_by_rank_0)
    fmt::print(stderr, "error: {}\n", error.what());
  else
    std::this_thread::sleep_for(kTimeForRank0);
  return error.exit_code();
}

std::vector<std::string> command_names() {
  std::vector<std::string> out;
  for (const CommandGroup& group : command_groups())
    for (const CommandSpec& spec : group.commands) out.emplace_back(spec.name);
  return out;
}

/// A misspelt command rather than a configuration: no path separator, no suffix, not there.
bool looks_like_command(const std::string& word) {
  if (word.find_first_of("/.") != std::string::npos) return false;
  std::FILE* file = std::fopen(word.c_str(), "rb");
  if (file) std::fclose(file);
  return file == nullptr;
}

[[noreturn]] void throw_unknown_command(const std::string& word) {
  const std::string near = nearest(word, command_names());
  throw Error(ErrorCode::config, fmt::format("no command and no file '{}'", word))
      .hint(near.empty() ? "axolotl-hpc --help lists the commands"
                         : fmt::format("did you mean 'axolotl-hpc {}'?", near));
}

int run_command(const CommandSpec& spec, std::vector<std::string> args) {
  CommandLine command(spec.name, spec.summary);
  std::function<int()> action;
  spec.define(command, action);
  if (!command.parse(std::move(args))) return kExitDone;
  AXL_CHECK(static_cast<bool>(action), "the command has no action");
  return action();
}

int dispatch(std::vector<std::string> args) {
  if (args.empty()) {
    fmt::print("{}", program_help());
    return kExitBadInput;
  }
  const std::string first = args.front();
  if (first == "--help" || first == "-h" || first == "help") {
    if (args.size() > 1 && find_command(args[1]))
      return run_command(*find_command(args[1]), {"--help"});
    if (args.size() > 1) throw_unknown_command(args[1]);
    fmt::print("{}", program_help());
    return kExitDone;
  }
  if (first == "--version" || first == "-V") args.front() = "version";
  const CommandSpec* spec = find_command(args.front());
  if (spec) {
    args.erase(args.begin());
  } else {
    if (looks_like_command(first) && !first.starts_with("-")) throw_unknown_command(first);
    spec = find_command("train");
    if (!spec) throw_unknown_command("train");
  }
  return run_command(*spec, std::move(args));
}

}  // namespace

int run_program(const std::vector<std::string>& args) {
  int code = kExitFailed;
  try {
    code = dispatch(args);
    if (std::fflush(stdout) != 0)
      throw Error(ErrorCode::io, "standard output could not be written").hint("is the disk full?");
  } catch (const Error& e) {
    code = fail(e);
  } catch (
      const std::system_error& e) {  // fmt::print to a full disk or a closed pipe, among others
    code = fail(Error(ErrorCode::io, e.what()));
  } catch (const std::bad_alloc&) {
    code = fail(Error(ErrorCode::device, "out of memory"));
  } catch (const std::exception& e) {
    code = fail(Error(ErrorCode::internal, e.what()));
  } catch (...) {
    code = fail(Error(ErrorCode::internal, "an exception of unknown type"));
  }
  return code;
}

}  // namespace axl::cli
