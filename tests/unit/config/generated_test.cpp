#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/schema.hpp"
#include "core/json.hpp"
#include "support/paths.hpp"
#include "yaml_case.hpp"

namespace axl::config {
namespace {

namespace fs = std::filesystem;
const fs::path kRoot = test::source_dir();

TEST(Generated, ReferencePageIsUpToDate) {
  std::ifstream in(kRoot / "docs" / "configuration.md");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(text.str() == reference_markdown())
      << "run: axolotl-hpc schema --markdown > docs/configuration.md";
}

TEST(Generated, MigrationPageIsUpToDate) {
  std::ifstream in(kRoot / "docs" / "migration.md");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(text.str() == migration_markdown())
      << "run: axolotl-hpc schema --migration > docs/migration.md";
}

TEST(Generated, MigrationPageHoldsEveryKey) {
  const std::string page = migration_markdown();
  for (const ConfigSection& section : sections())
    for (const ConfigKey& key : section.keys)
      EXPECT_NE(page.find("| `" + std::string(key.name) + "` |"), std::string::npos) << key.name;
  for (const DatasetKey& key : dataset_keys())
    EXPECT_NE(page.find("| `" + std::string(key.name) + "` |"), std::string::npos) << key.name;
}

TEST(Generated, JsonSchemaCoversEveryKey) {
  const auto schema = axl::parse_json<nlohmann::json>(json_schema());
  for (const ConfigSection& section : sections())
    for (const ConfigKey& key : section.keys) {
      if (key.name.ends_with('*') || key.action == Action::unread) continue;
      ASSERT_TRUE(schema["properties"].contains(std::string(key.name))) << key.name;
      EXPECT_TRUE(schema["properties"][std::string(key.name)].contains("description")) << key.name;
    }
  const auto& properties = schema["properties"];
  EXPECT_EQ(properties["sequence_len"]["default"], 512);
  EXPECT_EQ(properties["sequence_len"]["minimum"], 2);
  EXPECT_EQ(properties["num_epochs"]["exclusiveMinimum"], 0);
  EXPECT_EQ(properties["excess_length_strategy"]["enum"][0], "drop");
  EXPECT_EQ(properties["datasets"]["items"]["$ref"], "#/$defs/dataset");
  EXPECT_FALSE(schema.contains("additionalProperties"));
  EXPECT_EQ(axl::parse_json<nlohmann::json>(json_schema(true))["additionalProperties"], false);
}

TEST(Generated, EffectiveHoldsEveryKeyThatWorks) {
  const LoadResult r = read(kLora +
                            "chat_template_kwargs: {a: 1}\nsample_packing: true\n"
                            "val_set_size: 0.1\nsaves_per_epoch: 2\nnum_epochs: 2\n");
  const auto e = effective(r);
  for (const ConfigSection& section : sections())
    for (const ConfigKey& key : section.keys)
      if (key.action == Action::implement && key.member.index() != 0) {
        EXPECT_TRUE(e.contains(std::string(key.name))) << key.name;
      }
  EXPECT_EQ(e["learning_rate"], 2e-5);
  EXPECT_EQ(e["batch_size"], 6);
  EXPECT_EQ(e["eval_sample_packing"], true);
  EXPECT_EQ(e["save_steps"], 0.25);
  EXPECT_EQ(e["dtype"], "f32");
  EXPECT_EQ(e["bf16"], "auto") << "as given; dtype says what it came to";
  EXPECT_EQ(e["datasets"][0]["path"], "rows.jsonl");
  EXPECT_EQ(e["chat_template_kwargs"]["a"], 1);
}

TEST(Generated, EveryShippedConfigurationIsAcceptedStrictly) {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kRoot / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    LoadOptions options;
    options.strict = true;
    const LoadResult r = load(entry.path().string(), options);
    EXPECT_TRUE(r.accepted()) << all(r.errors);
    EXPECT_TRUE(r.warnings.empty()) << all(r.warnings);
    ++files;
  }
  EXPECT_GE(files, 6u);
}

}  // namespace
}  // namespace axl::config
