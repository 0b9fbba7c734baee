#include "cli/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/help.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"

namespace axl::cli {
namespace {

/// "--seed", "-o", …: every spelling of the command's own options.
std::vector<std::string> spellings(const CLI::App& command) {
  std::vector<std::string> out;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
    for (const std::string& name : option->get_snames()) out.push_back("-" + name);
  }
  return out;
}

[[noreturn]] void throw_unknown_option(const CLI::App& command, const std::string& arg) {
  const std::string name = arg.substr(0, arg.find('='));
  const std::string near = name.starts_with("-") ? nearest(name, spellings(command)) : "";
  throw Error(ErrorCode::config,
              fmt::format("{} '{}'",
                          name.starts_with("-") ? "unknown option" : "unexpected argument", name))
      .hint(near.empty()
                ? fmt::format("axolotl-hpc {} --help shows what it takes", command.get_name())
                : fmt::format("did you mean '{}'?", near));
}

}  // namespace

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::value_name(const std::string& text) {
  option_->option_text(text);
  return *this;
}

Option& Option::one_of(const std::vector<std::string>& words) {
  option_->check(CLI::IsMember(words));
  return *this;
}

Option& Option::between(std::int64_t least, std::int64_t most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::between(double least, double most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

bool Option::given() const { return option_->count() > 0; }

CommandLine::CommandLine(std::string_view name, std::string_view summary)
    : app_(std::make_unique<CLI::App>(std::string(summary), std::string(name))) {
  app_->set_help_flag("-h,--help", "Show this help");
}

CommandLine::~CommandLine() = default;

Option CommandLine::add_option(const std::string& names, std::string& target,
                               const std::string& help) {
  return Option(*app_->add_option(names, target, help));
}

Option CommandLine::add_option(const std::string& names, std::int64_t& target,
                               const std::string& help) {
  return Option(*app_->add_option(names, target, help));
}

Option CommandLine::add_option(const std::string& names, std::uint64_t& target,
                               const std::string& help) {
  return Option(*app_->add_option(names, target, help));
}

Option CommandLine::add_option(const std::string& names, double& target, const std::string& help) {
  return Option(*app_->add_option(names, target, help));
}

Option CommandLine::add_flag(const std::string& names, bool& target, const std::string& help) {
  return Option(*app_->add_flag(names, target, help));
}

void CommandLine::allow_overrides() { takes_overrides_ = true; }

void CommandLine::footer(const std::string& text) { app_->footer(text); }

bool CommandLine::parse(std::vector<std::string> args) {
  style_command_help(*app_, takes_overrides_);
  app_->allow_extras();  // what is left over gets our own message
  if (takes_overrides_) args = join_override_values(spellings(*app_), args);
  std::vector<std::string> reversed(args.rbegin(), args.rend());  // CLI11 takes them from the back
  try {
    app_->parse(reversed);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app_->help());
    return false;
  } catch (const CLI::ParseError& e) {
    throw Error(ErrorCode::config, e.what())
        .hint(fmt::format("axolotl-hpc {} --help shows what it takes", app_->get_name()));
  }
  if (!takes_overrides_ && !app_->remaining().empty())
    throw_unknown_option(*app_, app_->remaining().front());
  return true;
}

Overrides CommandLine::overrides() const {
  return overrides_from(app_->get_name(), spellings(*app_), app_->remaining());
}

}  // namespace axl::cli
