#include "cli/overrides.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace axl::cli {
namespace {

bool is_long_option(const std::string& arg) { return arg.size() > 2 && arg.starts_with("--"); }

/// learning-rate -> learning_rate, trl__beta -> trl.beta
std::string key_of(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  for (std::size_t at = name.find("__"); at != std::string::npos; at = name.find("__", at + 1))
    name.replace(at, 2, ".");
  return name;
}

}  // namespace

std::vector<std::string> join_override_values(const CLI::App& command,
                                              const std::vector<std::string>& args) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    const bool foreign = is_long_option(arg) && arg.find('=') == std::string::npos &&
                         arg != "--help" && command.get_option_no_throw(arg) == nullptr;
    if (!foreign) {
      out.push_back(arg);
    } else if (i + 1 < args.size() && !is_long_option(args[i + 1])) {
      out.push_back(arg + "=" + args[i + 1]);
      ++i;
    } else if (arg.starts_with("--no-")) {
      out.push_back("--" + arg.substr(5) + "=false");
    } else {
      out.push_back(arg + "=true");
    }
  }
  return out;
}

Overrides overrides_from(const CLI::App& command) {
  Overrides out;
  for (const std::string& arg : command.remaining()) {
    const std::size_t equals = arg.find('=');
    if (!is_long_option(arg) || equals == std::string::npos)
      throw Error(ErrorCode::config, "unexpected argument '" + arg + "'")
          .hint("a configuration key is overridden by --key value");
    out.emplace_back(key_of(arg.substr(2, equals - 2)), arg.substr(equals + 1));
  }
  return out;
}

}  // namespace axl::cli
