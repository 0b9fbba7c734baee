#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "config/schema.hpp"
#include "support/paths.hpp"
#include "yaml_case.hpp"

// Axolotl's own example files, read where they lie: AXL_AXOLOTL_CONFIGS, else beside the project.
namespace axl::config {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

fs::path folder() {
  if (const char* given = std::getenv("AXL_AXOLOTL_CONFIGS")) return given;
  return fs::path(test::source_dir()) / ".." / "shared" / "axolotl-configs";
}

/// Rejected by Axolotl for a reason of its own libraries; accepted here on purpose.
const std::map<std::string, std::string>& better_here() {
  static const std::map<std::string, std::string> list{
      {"examples__mistral4__fft-text.yml",
       "FSDP2 with a bitsandbytes optimiser: neither is used here"}};
  return list;
}

/// What this program does not do yet; an accepted file may be refused for such a key only.
bool is_unsupported(const Finding& f) {
  for (const char* word :
       {"not supported", "cannot be loaded", "needs the Python package", "nothing is uploaded",
        "started by mpirun", "belongs to a full fine-tune"})
    if (f.message.find(word) != std::string::npos) return true;
  return false;
}

class AxolotlConfigs : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(folder() / "expected.json")) GTEST_SKIP() << folder() << " is not there";
    std::ifstream in(folder() / "expected.json");
    expected_ = Json::parse(in);
  }
  static LoadResult load_case(const std::string& name) {
    LoadOptions options;
    options.native_bf16 = true;  // the expectations assume a GPU with bf16
    return load((folder() / name).string(), options);
  }
  Json expected_;
};

TEST_F(AxolotlConfigs, StatusIsAxolotlsOrAReasonIsGiven) {
  std::map<std::string, int> count;
  for (const auto& [name, want] : expected_.items()) {
    const LoadResult r = load_case(name);
    const std::string status = want["status"];
    ++count[status + " -> " + (r.accepted() ? "accept" : "reject")];
    if (status == "accept") {
      for (const Finding& f : r.errors) EXPECT_TRUE(is_unsupported(f)) << to_string(f);
    } else if (r.accepted()) {
      EXPECT_TRUE(better_here().contains(name)) << name << ": " << want.dump();
    }
  }
  for (const auto& [what, n] : count) std::printf("%-40s %d\n", what.c_str(), n);
}

TEST_F(AxolotlConfigs, EffectiveValuesAreEqual) {
  std::size_t files = 0, values = 0;
  for (const auto& [name, want] : expected_.items()) {
    if (want["status"] != "accept") continue;
    const LoadResult r = load_case(name);
    if (!r.accepted()) continue;
    ++files;
    const Json got = effective(r);
    for (const auto& [key, value] : want["effective"].items()) {
      // Old names, and what only steers Python libraries, have no value here.
      const ConfigKey* known = find_key(key);
      if (!known || known->action != Action::implement) continue;
      if (key == "gradient_checkpointing" && value.is_string()) continue;  // "offload" is true here
      if (key == "bf16" && value == "auto") continue;  // left open there, resolved here
      ++values;
      const Json& ours = got.contains(key) ? got[key] : Json(nullptr);
      EXPECT_EQ(ours, value) << name << ": " << key;
    }
  }
  std::printf("%zu files, %zu values equal\n", files, values);
  EXPECT_GE(files, 20u);
}

TEST_F(AxolotlConfigs, WhatAxolotlDropsSilentlyIsTold) {
  for (const auto& [name, want] : expected_.items()) {
    if (!want.contains("silently_dropped")) continue;
    const LoadResult r = load_case(name);
    for (const std::string key : want["silently_dropped"]) {
      if (key.find('.') != std::string::npos || key == "debug") continue;  // nested: own tables
      const bool told = std::any_of(r.warnings.begin(), r.warnings.end(),
                                    [&key](const Finding& f) { return f.where.key == key; }) ||
                        std::any_of(r.notices.begin(), r.notices.end(),
                                    [&key](const Finding& f) { return f.where.key == key; });
      if (!told && want["status"] == "accept") {
        // An empty value asks for nothing.
        std::ifstream in(folder() / name);
        std::string line, value;
        while (std::getline(in, line))
          if (line.starts_with(key + ":")) value = line.substr(key.size() + 1);
        value.erase(0, value.find_first_not_of(" \t"));
        EXPECT_TRUE(value.empty() || value.starts_with("#") || value == "false")
            << name << ": " << key << value;
      }
    }
  }
}

}  // namespace
}  // namespace axl::config
