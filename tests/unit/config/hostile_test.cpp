#include <filesystem>
#include <fstream>

#include "config/node.hpp"
#include "core/json.hpp"
#include "yaml_case.hpp"

namespace axl::config {
namespace {

namespace fs = std::filesystem;

/// The single error of a text that cannot be read at all.
Finding only_error(const std::string& text) {
  const LoadResult r = read(text);
  EXPECT_EQ(r.errors.size(), 1u) << all(r.errors);
  return r.errors.empty() ? Finding{} : r.errors.front();
}

TEST(Hostile, SyntaxErrorsCarryTheirPlace) {
  const Finding f = only_error("base_model: x\nlearning_rate: [1, 2\nseed: 3\n");
  EXPECT_GE(f.where.line, 2);
  EXPECT_NE(f.message.find("not valid YAML"), std::string::npos);
  EXPECT_NE(only_error("a: b: c\n").message.find("not valid YAML"), std::string::npos);
  EXPECT_NE(only_error("a:\n\t- b\n").message.find("not valid YAML"), std::string::npos);
}

TEST(Hostile, EmptyScalarListAndSecondDocument) {
  EXPECT_EQ(only_error("").message, "is empty");
  EXPECT_EQ(only_error("# nothing\n").message, "is empty");
  EXPECT_EQ(only_error("- a\n- b\n").message, "must be a map of keys; got a list of 2");
  EXPECT_EQ(only_error("just words").message, "must be a map of keys; got 'just words'");
  const Finding f = only_error("a: 1\n---\nb: 2\n");
  EXPECT_EQ(f.message, "holds more than one YAML document");
  EXPECT_EQ(f.where.line, 3);
}

// What takes too long here meets CTest's time limit.
TEST(Hostile, DeepNestingIsRefusedQuickly) {
  EXPECT_NE(
      only_error("a: " + std::string(100, '[') + std::string(100, ']')).message.find("deeper"),
      std::string::npos);
  EXPECT_FALSE(read("a: " + std::string(200000, '[')).accepted());
  std::string block;
  for (int i = 0; i < 300; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_FALSE(read(block).accepted());
}

TEST(Hostile, AliasBombIsCountedBeforeItIsBuilt) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_NE(only_error(bomb).message.find("aliases included"), std::string::npos);
}

TEST(Hostile, SelfReferenceTagsAndUnknownAlias) {
  EXPECT_FALSE(read("a: &x [*x]\n").accepted());
  EXPECT_FALSE(read("a: *nowhere\n").accepted());
  EXPECT_NE(only_error("a: !!python/object/apply:os.system [ls]\n").message.find("tag"),
            std::string::npos);
  EXPECT_FALSE(read("? [a, b]\n: c\n").accepted());
}

TEST(Hostile, HugeScalarsAreShownShort) {
  const LoadResult r = read(kMinimal + "sequence_len: " + std::string(1 << 20, '9') + "\n");
  EXPECT_LT(about(r.errors, "sequence_len").message.size(), 300u);
  const LoadResult k = read(kMinimal + std::string(800, 'k') + ": 1\n");
  EXPECT_EQ(k.warnings.size(), 1u);
}

TEST(Hostile, BinaryAndInvalidUtf8) {
  EXPECT_NE(only_error(std::string("a: \0b", 5)).message.find("zero byte"), std::string::npos);
  const LoadResult r = read(kMinimal + "output_dir: \"x\xFFy\"\n");
  EXPECT_NO_THROW(axl::parse_json<nlohmann::json>(r.effective_json));
}

TEST(Hostile, ManyKeysStayLinear) {
  std::string text = kMinimal;
  for (int i = 0; i < 3000; ++i) text += "zz_unknown_" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(read(text).warnings.size(), 3000u);
}

class HostileFile : public testing::Test {
 protected:
  HostileFile() : folder_(fs::path(testing::TempDir()) / "axl_config_hostile") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~HostileFile() override { fs::remove_all(folder_); }
  std::string put(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  fs::path folder_;
};

TEST_F(HostileFile, MissingTooLongAndDirectories) {
  EXPECT_EQ(load((folder_ / "none.yaml").string(), {}).errors.at(0).message, "no such file");
  EXPECT_NE(load(folder_.string(), {}).errors.at(0).message.find("directory with 0 YAML"),
            std::string::npos);
  put("one.yaml", kMinimal);
  const LoadResult one = load(folder_.string(), {});
  EXPECT_TRUE(one.accepted()) << all(one.errors);
  EXPECT_TRUE(one.config.at("base_model").file.ends_with("one.yaml"));
  const std::string big = put("big.txt", std::string(kMaxFileBytes + 1, '#'));
  EXPECT_NE(load(big, {}).errors.at(0).message.find("at most"), std::string::npos);
  EXPECT_NE(load("https://example.com/a.yaml", {}).errors.at(0).message.find("network"),
            std::string::npos);
}

TEST_F(HostileFile, DevicesDoNotHang) { EXPECT_FALSE(load("/dev/zero", {}).accepted()); }

TEST_F(HostileFile, LoadOrThrowTellsAllProblems) {
  const std::string file = put("bad.yaml", "base_model: x\nlearning_rate: fast\nseed: -1\n");
  try {
    load_or_throw(file, {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), kExitBadInput);
    EXPECT_NE(std::string(e.what()).find("bad.yaml:2:16: learning_rate: must be a number"),
              std::string::npos)
        << e.what();
    EXPECT_NE(std::string(e.what()).find("bad.yaml:3:7: seed"), std::string::npos);
  }
  EXPECT_THROW(load_or_throw(put("files.yaml", kMinimal), {}), Error) << "missing files count";
}

}  // namespace
}  // namespace axl::config
