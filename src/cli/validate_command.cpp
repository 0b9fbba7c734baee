#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "cli/command.hpp"
#include "cli/overrides.hpp"
#include "config/config.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "family/family.hpp"
#include "weights/model_config.hpp"

namespace axl::cli {
namespace {

struct Options {
  std::string file;
  std::string format = "text";
  bool strict = false;
  bool check_files = false;
};

nlohmann::ordered_json findings_json(const std::vector<config::Finding>& findings) {
  auto out = nlohmann::ordered_json::array();
  for (const config::Finding& f : findings)
    out.push_back({{"file", f.where.file},
                   {"line", f.where.line},
                   {"column", f.where.column},
                   {"key", f.where.key},
                   {"message", f.message},
                   {"hint", f.hint}});
  return out;
}

void print_json(const config::LoadResult& result) {
  nlohmann::ordered_json out;
  out["status"] = result.accepted() ? "accept" : "reject";
  out["errors"] = findings_json(result.errors);
  out["unsupported"] = findings_json(result.unsupported);
  std::vector<config::Finding> warnings = result.warnings;
  warnings.insert(warnings.end(), result.notices.begin(), result.notices.end());
  out["warnings"] = findings_json(warnings);
  out["ignored"] = result.ignored;
  out["effective"] = parse_json<nlohmann::ordered_json>(result.effective_json);
  fmt::print("{}\n", json_text(out, 2));
}

void print_text(const std::string& file, const config::LoadResult& result) {
  for (const config::Finding& f : result.errors) fmt::print("error: {}\n", to_string(f));
  if (result.accepted() && !result.unsupported.empty())
    fmt::print("valid Axolotl configuration; this version cannot train it yet:\n");
  for (const config::Finding& f : result.unsupported) fmt::print("unsupported: {}\n", to_string(f));
  for (const config::Finding& f : result.warnings) fmt::print("warning: {}\n", to_string(f));
  for (const config::Finding& f : result.notices) fmt::print("note: {}\n", to_string(f));
  const auto count = [](std::size_t n, const char* what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  fmt::print("{}: {}, {}, {}", file, result.accepted() ? "accepted" : "rejected",
             count(result.errors.size(), "error"), count(result.warnings.size(), "warning"));
  if (!result.unsupported.empty()) fmt::print(", {} unsupported", result.unsupported.size());
  fmt::print("\n");
}

/// What training would say about a model that lies here. What is wrong with its config.json is told
/// as a missing file is.
void check_model(config::LoadResult& result, std::vector<config::Finding>& files) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const std::string& folder = result.config.base_model;
  if (folder.empty() || !fs::is_regular_file(fs::path(folder) / "config.json", ignored)) return;
  try {
    const weights::ModelConfig model = weights::read_model_config(folder);
    family::shape_of(model);
  } catch (const Error& e) {
    auto& list = e.code() == ErrorCode::unsupported ? result.unsupported : files;
    list.push_back({result.config.at("base_model"), e.message(), e.hint()});
  }
}

int validate(const Options& options, const Overrides& overrides) {
  config::LoadOptions load_options;
  load_options.strict = options.strict;
  load_options.overrides = overrides;
  config::LoadResult result = config::load(options.file, load_options);
  auto& list = options.check_files ? result.errors : result.warnings;
  for (config::Finding& f : config::check_files(result.config)) list.push_back(std::move(f));
  check_model(result, list);
  for (auto* findings : {&list, &result.unsupported})
    std::stable_sort(findings->begin(), findings->end(), [](const auto& a, const auto& b) {
      return std::pair(a.where.line, a.where.column) < std::pair(b.where.line, b.where.column);
    });
  if (options.format == "json")
    print_json(result);
  else
    print_text(options.file, result);
  return result.accepted() ? kExitDone : kExitBadInput;
}

void define(CommandLine& command, std::function<int()>& action) {
  auto options = std::make_shared<Options>();
  command.add_option("CONFIG", options->file, "The YAML file").required();
  command.add_option("--format", options->format, "text or json")
      .one_of({"text", "json"})
      .value_name("text|json");
  command.add_flag("--strict", options->strict, "Unknown keys are errors");
  command.add_flag("--check-files", options->check_files,
                   "Files that the configuration names must be there");
  command.allow_overrides();
  command.footer(
      "Examples:\n"
      "  axolotl-hpc validate run.yaml\n"
      "  axolotl-hpc validate --strict --check-files run.yaml\n"
      "  axolotl-hpc validate --format json run.yaml --learning-rate 1e-4 | jq .effective");
  action = [options, &command] { return validate(*options, command.overrides()); };
}

}  // namespace

CommandSpec validate_command() {
  return {.name = "validate",
          .summary = "Check a configuration and show every problem with line and column",
          .define = &define};
}

}  // namespace axl::cli
