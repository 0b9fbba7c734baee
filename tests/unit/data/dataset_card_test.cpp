// Which files a dataset's card means: the `configs` of README.md.
#include "data/dataset_card.hpp"

#include "data/dataset_files.hpp"
#include "format_fixture.hpp"

namespace axl::data {
namespace {

const std::vector<std::string> kFiles = {
    ".gitattributes",      "README.md",        "a/train.jsonl",      "a/test.jsonl",
    "b/__cache__/x.jsonl", "b/config.json",    "b/part-0.jsonl",     "b/part-1.jsonl",
    "b/part-1.png",        "b/sub/more.jsonl", "top/train-00.jsonl", "top/valid.jsonl"};

class Card : public ::testing::Test {
 protected:
  /// The files chosen under a card of these configs.
  std::vector<std::string> choose(const std::string& configs) const {
    const std::string text = "---\nlicense: mit\n" + configs + "---\n# Rows\n";
    return choose_files(
        kFiles, [&](const std::string&) { return text; }, "card", dataset);
  }
  std::string error_of(const std::string& configs) const {
    try {
      choose(configs);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  using Files = std::vector<std::string>;
  config::DatasetConfig dataset{.path = "org/rows", .split = "train"};
};

TEST_F(Card, PatternsMayBeTextListsOrSplits) {
  EXPECT_EQ(choose("configs:\n- config_name: x\n  data_files: b/part-*.jsonl\n"),
            (Files{"b/part-0.jsonl", "b/part-1.jsonl"}));
  EXPECT_EQ(choose("configs:\n- config_name: x\n  data_files: [b/part-1.jsonl, a/test.jsonl]\n"),
            (Files{"b/part-1.jsonl", "a/test.jsonl"}));
  const std::string splits =
      "configs:\n- config_name: x\n  data_files:\n  - split: train\n    path: [a/train.jsonl]\n"
      "  - split: held_out\n    path: ./b/**\n";
  EXPECT_EQ(choose(splits), (Files{"a/train.jsonl"}));
  dataset.split = "held_out[:10%]";
  // Neither what is no rows nor what a repository keeps for itself.
  EXPECT_EQ(choose(splits), (Files{"b/part-0.jsonl", "b/part-1.jsonl", "b/sub/more.jsonl"}));
  dataset.split = "test";
  EXPECT_NE(error_of(splits).find("has no split 'test'"), std::string::npos) << error_of(splits);
  EXPECT_NE(error_of(splits).find("train, held_out"), std::string::npos);
}

TEST_F(Card, NamesAndDefaults) {
  const std::string a = "- config_name: a\n  data_files: a/train.jsonl\n";
  const std::string b = "- config_name: b\n  data_files: b/part-0.jsonl\n";
  EXPECT_EQ(choose("configs:\n" + a), (Files{"a/train.jsonl"}));
  EXPECT_EQ(choose("configs:\n" + a + b + "  default: true\n"), (Files{"b/part-0.jsonl"}));
  EXPECT_EQ(choose("configs:\n" + a + "- config_name: default\n  data_files: a/test.jsonl\n"),
            (Files{"a/test.jsonl"}));
  const std::string none = error_of("configs:\n" + a + b);
  EXPECT_NE(none.find("several subsets and no default"), std::string::npos) << none;
  EXPECT_NE(none.find("name: one of a, b"), std::string::npos) << none;
  dataset.name = {"b"};
  EXPECT_EQ(choose("configs:\n" + a + b), (Files{"b/part-0.jsonl"}));
  dataset.name = {"b", "a"};
  EXPECT_EQ(choose("configs:\n" + a + b), (Files{"b/part-0.jsonl", "a/train.jsonl"}));
  dataset.name = {"c"};
  EXPECT_NE(error_of("configs:\n" + a + b).find("has no subset 'c'"), std::string::npos);
}

TEST_F(Card, DataDirIsWhatPatternsAreRelativeTo) {
  EXPECT_EQ(choose("configs:\n- config_name: x\n  data_dir: b/\n  data_files: '*.jsonl'\n"),
            (Files{"b/part-0.jsonl", "b/part-1.jsonl"}));
  // Without patterns the names in the folder decide.
  const std::string top = "configs:\n- config_name: x\n  data_dir: top\n";
  EXPECT_EQ(choose(top), (Files{"top/train-00.jsonl"}));
  dataset.split = "valid";
  EXPECT_EQ(choose(top), (Files{"top/valid.jsonl"}));
}

TEST_F(Card, WhatMatchesNothingIsTold) {
  EXPECT_NE(error_of("configs:\n- config_name: x\n  data_files: none/*\n").find("match no file"),
            std::string::npos);
  EXPECT_NE(error_of("configs:\n- config_name: x\n  data_files: b/*.png\n").find("match no file"),
            std::string::npos);
}

TEST_F(Card, WithoutConfigsOrWithABrokenCardTheNamesDecide) {
  const Files by_name = {"a/train.jsonl", "top/train-00.jsonl"};
  for (const char* configs :
       {"", "configs:\n", "configs: 3\n", "configs:\n- data_files: x\n", "configs: [\n",
        "configs:\n- config_name: x\n  data_files:\n  - split: train\n",
        "configs:\n- config_name: x\n  data_files: {a: b}\n"})
    EXPECT_EQ(choose(configs), by_name) << configs;
  for (const char* card : {"", "# no front matter", "---\nconfigs:\n- config_name: x\n"})
    EXPECT_TRUE(read_dataset_card(card, "card").empty()) << card;
}

TEST_F(Card, PlacesInMessagesAreThoseOfTheCard) {
  try {
    read_dataset_card("---\nconfigs:\n- data_files: x\n---\n", "README.md");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.where().file, "README.md");
    EXPECT_EQ(e.where().line, 3);
  }
}

}  // namespace
}  // namespace axl::data
