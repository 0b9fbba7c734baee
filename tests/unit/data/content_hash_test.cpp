#include "data/content_hash.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_folder.hpp"

namespace axl::data {
namespace {

class ContentHash : public testing::Test {
 protected:
  std::uint64_t hash(FileHashes& hashes) const {
    return content_hash(open_sources(dataset), hashes);
  }
  std::uint64_t hash() const {
    FileHashes none;
    return hash(none);
  }
  /// As a later run would: with what the last one saved.
  FileHashes remembered() const { return FileHashes(folder.path("prepared"), {}); }

  test::TemporaryFolder folder;
  config::DatasetConfig dataset;
};

TEST_F(ContentHash, FollowsEveryByteAndTheName) {
  dataset.path = folder.write("a.jsonl", "{\"n\":1}\n");
  const auto first = hash();
  EXPECT_EQ(hash(), first);
  folder.write("a.jsonl", "{\"n\":2}\n");
  EXPECT_NE(hash(), first);
  dataset.path = folder.write("b.jsonl", "{\"n\":1}\n");
  EXPECT_NE(hash(), first);
}

TEST_F(ContentHash, ALargeFileIsReadOnceUntilItIsTouched) {
  std::string text(std::size_t{20} << 20, 'x');
  dataset.path = folder.write("big.txt", text);
  FileHashes first = remembered();
  const std::uint64_t before = hash(first);
  EXPECT_EQ(first.hashed(), 1U);
  first.save();
  FileHashes second = remembered();
  EXPECT_EQ(hash(second), before);
  EXPECT_EQ(second.hashed(), 0U) << "nobody touched it";
  EXPECT_EQ(hash(), before) << "and the hash is that of the whole file";

  // One byte between the places that samples would look at; size and time of change as before.
  const auto time = std::filesystem::last_write_time(dataset.path);
  text[text.size() / 3 + 7] = 'y';
  std::ofstream(dataset.path, std::ios::binary | std::ios::in) << text;
  std::filesystem::last_write_time(dataset.path, time);
  FileHashes third = remembered();
  EXPECT_NE(hash(third), before);
  EXPECT_EQ(third.hashed(), 1U);
}

TEST_F(ContentHash, FreshFilesAndDamagedMemoriesAreNoMatter) {
  dataset.path = folder.write("a.txt", std::string(100000, 'x'));
  FileHashes fresh(folder.path("prepared"));
  const std::uint64_t before = hash(fresh);
  fresh.save();
  FileHashes again(folder.path("prepared"));
  EXPECT_EQ(hash(again), before);
  EXPECT_EQ(again.hashed(), 1U) << "changed a moment ago";
  for (const char* broken : {"", "{", "[]", R"({"/x": 1, "/y": ["a"], "/z": ["a", -1]})"}) {
    folder.write("prepared/file_hashes.json", broken);
    FileHashes hashes = remembered();
    EXPECT_EQ(hash(hashes), before) << broken;
  }
  FileHashes nowhere("/proc/nowhere", {});
  EXPECT_EQ(hash(nowhere), before);
  EXPECT_NO_THROW(nowhere.save());
}

}  // namespace
}  // namespace axl::data
