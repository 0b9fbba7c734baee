// What is read of folders and patterns, and what is passed over.
#include "data/file_patterns.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "data/dataset_files.hpp"
#include "temporary_folder.hpp"

namespace axl::data {
namespace {

using testing::TemporaryFolder;
using Names = std::vector<std::string>;

/// Relative to the folder, sorted.
Names matched(const TemporaryFolder& folder, const std::string& pattern) {
  Names out;
  for (const std::string& path : match_files(folder.path(pattern)).files)
    out.push_back(std::filesystem::path(path).lexically_relative(folder.path("")).string());
  std::sort(out.begin(), out.end());
  return out;
}

TEST(FilePatterns, TwoStarsGoThroughFolders) {
  TemporaryFolder folder;
  for (const char* name : {"r.jsonl", "a/r.jsonl", "a/b/r.jsonl", "a/b/c/r.csv", "a/.git/r.jsonl",
                           "__MACOSX/r.jsonl", "a/.r.jsonl", "a/r.jsonl~"})
    folder.write(name, "{}\n");
  const Names all{"a/b/r.jsonl", "a/r.jsonl", "r.jsonl"};
  EXPECT_EQ(matched(folder, "**/*.jsonl"), all);
  EXPECT_EQ(matched(folder, "a/**/*.jsonl"), (Names{"a/b/r.jsonl", "a/r.jsonl"}));
  EXPECT_EQ(matched(folder, "*/b/**"), (Names{"a/b/c/r.csv", "a/b/r.jsonl"}));
  EXPECT_EQ(matched(folder, "a/**/r.*"), (Names{"a/b/c/r.csv", "a/b/r.jsonl", "a/r.jsonl"}));
  EXPECT_EQ(matched(folder, "*.jsonl"), Names{"r.jsonl"});
  EXPECT_EQ(matched(folder, "a/**/.git/*.jsonl"), Names{"a/.git/r.jsonl"});
}

TEST(FilePatterns, WhatIsNoDataIsMeantOnlyByItsName) {
  TemporaryFolder folder;
  for (const char* name : {"a.json", "config.json", "dataset_infos.json", "README.md", "a.json~"})
    folder.write(name, "{}\n");
  EXPECT_EQ(matched(folder, "*"), Names{"a.json"});
  EXPECT_EQ(matched(folder, "*.json"), Names{"a.json"});
  EXPECT_EQ(matched(folder, "[c]onfig.json"), Names{});
  EXPECT_EQ(matched(folder, "**/config.json"), Names{"config.json"});
  EXPECT_EQ(match_files(folder.path("*")).skipped.size(), 4u);
}

/// A file may be called __train.jsonl; a folder __pycache__ holds no data.
TEST(FilePatterns, UnderscoresHideFoldersOnly) {
  TemporaryFolder folder;
  folder.write("__train.jsonl", "{}\n");
  folder.write("__pycache__/a.jsonl", "{}\n");
  const FolderFiles found = list_folder(folder.path(""), {});
  EXPECT_EQ(found.files, Names{"__train.jsonl"});
  EXPECT_EQ(found.skipped, Names{"__pycache__/"});
}

Names chosen(const Names& all, const std::string& ds_type = "") {
  config::DatasetConfig dataset;
  dataset.ds_type = ds_type;
  return choose_files(
      all, [](const std::string&) { return std::string(); }, "README.md", dataset);
}

/// As Hugging Face's library chooses, but that texts beside rows are no data.
TEST(FilePatterns, OneFormatOfAFolderIsRead) {
  EXPECT_EQ(chosen({"a.jsonl", "b.csv", "c.jsonl"}), (Names{"a.jsonl", "c.jsonl"}));
  EXPECT_EQ(chosen({"a.jsonl", "b.csv", "c.csv"}), (Names{"b.csv", "c.csv"}));
  EXPECT_EQ(chosen({"a.csv", "b.jsonl"}), Names{"b.jsonl"});
  EXPECT_EQ(chosen({"a.csv", "b.json"}), Names{"b.json"});
  EXPECT_EQ(chosen({"a.json", "b.jsonl", "c.ndjson"}), (Names{"a.json", "b.jsonl", "c.ndjson"}));
  EXPECT_EQ(chosen({"a.tsv", "b.csv.gz"}), (Names{"a.tsv", "b.csv.gz"}));
  EXPECT_EQ(chosen({"LICENSE.txt", "notes.txt", "a.csv"}), Names{"a.csv"});
  EXPECT_EQ(chosen({"a.txt", "b.txt"}), (Names{"a.txt", "b.txt"}));
  EXPECT_EQ(chosen({"a.txt", "b.csv"}, "text"), Names{"a.txt"});
  EXPECT_EQ(chosen({"a.jsonl", "b.csv", "c.jsonl"}, "csv"), Names{"b.csv"});
}

}  // namespace
}  // namespace axl::data
