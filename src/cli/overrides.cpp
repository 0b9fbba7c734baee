#include "cli/overrides.hpp"

#include <algorithm>

#include "config/keys.hpp"
#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"

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

/// The nearest among the command's own options and the configuration's keys.
[[noreturn]] void throw_unknown(const std::string& command, const std::vector<std::string>& own,
                                const std::string& name, const std::string& key) {
  std::string near = nearest(name, own);
  if (near.empty()) {
    near = config::nearest_known_key(key.substr(0, key.find('.')));
    std::replace(near.begin(), near.end(), '_', '-');
    if (!near.empty()) near = "--" + near;
  }
  throw Error(ErrorCode::config, "no option and no configuration key '" + name + "'")
      .hint(near.empty() ? "axolotl-hpc " + command +
                               " --help shows the options, "
                               "docs/configuration.md the keys"
                         : "did you mean '" + near + "'?");
}

bool is_boolean_word(const std::string& text) {
  const std::string word = ascii_lower(text);
  for (const char* known : {"true", "false", "yes", "no", "on", "off", "0", "1", "auto", "null"})
    if (word == known) return true;
  return word.empty();
}

}  // namespace

std::vector<std::string> join_override_values(const std::vector<std::string>& own,
                                              const std::vector<std::string>& args) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    const bool foreign = is_long_option(arg) && arg.find('=') == std::string::npos &&
                         std::find(own.begin(), own.end(), arg) == own.end();
    const bool value_follows = i + 1 < args.size() && !is_long_option(args[i + 1]);
    const std::string key = foreign ? key_of(arg.substr(2)) : "";
    if (!foreign) {
      out.push_back(arg);
    } else if (key.starts_with("no_") && config::is_boolean_key(key.substr(3))) {
      out.push_back("--" + arg.substr(5) + "=false");
    } else if (value_follows && (!config::is_boolean_key(key) || is_boolean_word(args[i + 1]))) {
      out.push_back(arg + "=" + args[i + 1]);
      ++i;
    } else {
      out.push_back(arg + "=true");
    }
  }
  return out;
}

Overrides overrides_from(const std::string& command, const std::vector<std::string>& own,
                         const std::vector<std::string>& unknown) {
  Overrides out;
  for (const std::string& arg : unknown) {
    const std::size_t equals = arg.find('=');
    if (!is_long_option(arg) || equals == std::string::npos)
      throw Error(ErrorCode::config, "unexpected argument '" + arg + "'")
          .hint("a configuration key is overridden by --key value");
    const std::string name = arg.substr(0, equals);
    const std::string key = key_of(arg.substr(2, equals - 2));
    if (!config::is_known_key(key.substr(0, key.find('.')))) throw_unknown(command, own, name, key);
    out.emplace_back(key, arg.substr(equals + 1));
  }
  return out;
}

}  // namespace axl::cli
