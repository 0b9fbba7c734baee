#include "cli/command_line.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/help.hpp"
#include "cli/machine_checks.hpp"
#include "cli/presets.hpp"
#include "cli/registry.hpp"
#include "config/config.hpp"
#include "core/error.hpp"

namespace axl::cli {
namespace {

/// A command with one positional, one flag and one option of its own.
struct Parsed {
  std::string file;
  std::string format;
  bool strict = false;
  Overrides overrides;
};

Parsed parse(const std::vector<std::string>& args) {
  Parsed out;
  CommandLine command("test", "test");
  command.add_option("CONFIG", out.file, "");
  command.add_option("--format", out.format, "");
  command.add_flag("--strict", out.strict, "");
  command.allow_overrides();
  EXPECT_TRUE(command.parse(args));
  out.overrides = command.overrides();
  return out;
}

TEST(CommandLine, OverridesBesideThePositionalInAnyOrder) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"a.yaml", "--learning-rate", "1e-4", "--strict"},
        {"--learning-rate", "1e-4", "a.yaml", "--strict"},
        {"--strict", "--learning-rate=1e-4", "a.yaml"}}) {
    const Parsed p = parse(args);
    EXPECT_EQ(p.file, "a.yaml");
    EXPECT_TRUE(p.strict);
    EXPECT_EQ(p.overrides, (Overrides{{"learning_rate", "1e-4"}}));
  }
}

TEST(CommandLine, NestedKeysAndUnderscores) {
  EXPECT_EQ(
      parse({"--datasets.0.path", "x y.jsonl", "--trl__beta", "0.1", "--lora_r", "8"}).overrides,
      (Overrides{{"datasets.0.path", "x y.jsonl"}, {"trl.beta", "0.1"}, {"lora_r", "8"}}));
}

TEST(CommandLine, SwitchesDoNotSwallowTheFile) {
  const Parsed on = parse({"--sample-packing", "a.yaml"});
  EXPECT_EQ(on.file, "a.yaml");
  EXPECT_EQ(on.overrides, (Overrides{{"sample_packing", "true"}}));
  EXPECT_EQ(parse({"--no-sample-packing", "a.yaml"}).overrides,
            (Overrides{{"sample_packing", "false"}}));
  EXPECT_EQ(parse({"--sample-packing", "no", "a.yaml"}).overrides,
            (Overrides{{"sample_packing", "no"}}));
  EXPECT_EQ(parse({"a.yaml", "--bf16"}).overrides, (Overrides{{"bf16", "true"}}));
  EXPECT_EQ(parse({"a.yaml", "--val-set-size", "-1"}).overrides,
            (Overrides{{"val_set_size", "-1"}}));
}

TEST(CommandLine, MisspeltOptionsAndStrayArguments) {
  const auto hint = [](const std::vector<std::string>& args) {
    try {
      parse(args);
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), kExitBadInput);
      return e.hint();
    }
    return std::string("no error");
  };
  EXPECT_EQ(hint({"a.yaml", "--learing-rate", "1"}), "did you mean '--learning-rate'?");
  EXPECT_EQ(hint({"a.yaml", "--strct"}), "did you mean '--strict'?");
  EXPECT_EQ(hint({"a.yaml", "b.yaml"}), "a configuration key is overridden by --key value");
}

TEST(CommandLine, HelpNamesEveryCommandOnce) {
  const std::string help = program_help();
  for (const CommandGroup& group : command_groups())
    for (const CommandSpec& spec : group.commands) {
      const std::string line = "\n  " + std::string(spec.name) + " ";
      EXPECT_NE(help.find(line), std::string::npos) << spec.name;
      EXPECT_LE(spec.summary.size(), 84u) << spec.name << ": one line of 100 columns";
      EXPECT_FALSE(spec.summary.ends_with('.')) << spec.name;
      EXPECT_EQ(find_command(spec.name)->summary, spec.summary);
    }
  EXPECT_EQ(find_command("nothing"), nullptr);
}

TEST(Presets, EveryFamilyInEveryModeValidatesAsItIs) {
  EXPECT_EQ(families().size(), 11u);
  EXPECT_EQ(presets().size(), 33u);
  for (const Preset& p : presets()) {
    config::LoadOptions options;
    options.strict = true;
    const auto r = config::load_text(preset_yaml(p), p.name, options);
    EXPECT_TRUE(r.accepted()) << (r.errors.empty() ? "" : to_string(r.errors[0]));
    EXPECT_TRUE(r.warnings.empty()) << p.name;
    EXPECT_TRUE(r.trainable()) << p.name;
    EXPECT_EQ(r.config.adapter, p.mode == Mode::full    ? ""
                                : p.mode == Mode::qlora ? "qlora"
                                                        : "lora");
  }
}

TEST(Presets, EveryLineIsExplained) {
  for (const Preset& p : presets()) {
    std::istringstream yaml(preset_yaml(p));
    for (std::string line; std::getline(yaml, line);) {
      EXPECT_LE(line.size(), 100u) << p.name << ": " << line;
      if (line.empty() || line.starts_with('#')) continue;
      const std::size_t why = line.find(" # ");
      ASSERT_NE(why, std::string::npos) << p.name << ": " << line;
      EXPECT_GE(line.size(), why + 8) << p.name << ": " << line;
    }
  }
}

TEST(Doctor, CpuLists) {
  EXPECT_EQ(cpu_list({}), "");
  EXPECT_EQ(cpu_list({3}), "3");
  EXPECT_EQ(cpu_list({0, 1, 2, 5, 8, 9}), "0-2,5,8-9");
}

TEST(Doctor, UnwritableScratchIsWrongAndSaysHow) {
  bool wrong = false;
  for (const Check& c : check_machine("/proc/nowhere"))
    if (c.name == "scratch") {
      wrong = c.verdict == Check::Verdict::bad;
      EXPECT_NE(c.hint.find("--scratch"), std::string::npos);
    }
  EXPECT_TRUE(wrong);
}

}  // namespace
}  // namespace axl::cli
