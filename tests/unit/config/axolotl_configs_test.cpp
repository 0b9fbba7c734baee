#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "config/report.hpp"
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

/// Where the status is not Axolotl's on purpose; everything else must be equal.
const std::map<std::string, std::string>& other_status() {
  static const std::string kCrash =
      "Axolotl stops with an AttributeError of its own; the file itself is right";
  static const std::map<std::string, std::string> list{
      {"examples__ebft__llama-1b-ebft-opencode-novllm.yaml", kCrash},
      {"examples__ebft__llama-1b-ebft-opencode.yaml", kCrash},
      {"examples__ebft__llama-1b-ebft-strided.yaml", kCrash},
      {"examples__ebft__llama-8b-ebft-strided-fft.yaml", kCrash},
      {"examples__ebft__qwen35-4b-ebft-structured-async.yaml", kCrash},
      {"examples__ebft__qwen35-4b-ebft-structured.yaml", kCrash},
  };
  return list;
}

/// Keys whose value is not Axolotl's on purpose.
const std::map<std::string, std::string>& other_value() {
  static const std::map<std::string, std::string> list{};
  return list;
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

TEST_F(AxolotlConfigs, StatusIsAxolotls) {
  std::map<std::string, int> count;
  for (const auto& [name, want] : expected_.items()) {
    const LoadResult r = load_case(name);
    const std::string status = want["status"] == "accept" ? "accept" : "reject";
    const std::string got = r.accepted() ? "accept" : "reject";
    ++count[status + " -> " + got + (r.accepted() && !r.trainable() ? ", not trained yet" : "")];
    if (other_status().contains(name))
      EXPECT_NE(got, status) << name << " need not be listed: " << other_status().at(name);
    else
      EXPECT_EQ(got, status) << name << "\n" << all(r.errors) << want.value("error", "");
  }
  for (const auto& [what, n] : count) std::printf("%-50s %d\n", what.c_str(), n);
}

TEST_F(AxolotlConfigs, EffectiveValuesAreEqual) {
  std::size_t files = 0, values = 0;
  for (const auto& [name, want] : expected_.items()) {
    if (want["status"] != "accept") continue;
    const LoadResult r = load_case(name);
    ++files;
    const Json got = effective(r);
    for (const auto& [key, value] : want["effective"].items()) {
      if (other_value().contains(key)) continue;
      ++values;
      const Json& ours = got.contains(key) ? got[key] : Json(nullptr);
      EXPECT_EQ(ours, value) << name << ": " << key;
    }
  }
  std::printf("%zu files, %zu values equal\n", files, values);
}

TEST_F(AxolotlConfigs, IgnoredKeysAreThoseThatAxolotlDropsSilently) {
  for (const auto& [name, want] : expected_.items()) {
    if (want["status"] != "accept") continue;
    const LoadResult r = load_case(name);
    std::set<std::string> dropped(want["silently_dropped"].begin(), want["silently_dropped"].end());
    const std::set<std::string> ignored(r.ignored.begin(), r.ignored.end());
    EXPECT_EQ(ignored, dropped) << name;
    for (const std::string& key : r.ignored) {  // and each is told, with its place
      const bool told = std::any_of(r.warnings.begin(), r.warnings.end(), [&key](const Finding& f) {
        return f.where.line > 0 && listed_name(f.where.key) == key;
      });
      EXPECT_TRUE(told) << name << ": " << key;
    }
  }
}

}  // namespace
}  // namespace axl::config
