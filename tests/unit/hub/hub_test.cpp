// The Hub's cache without a network; tests/system/hub_test.py talks to a server.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "hub/names.hpp"
#include "hub/options.hpp"
#include "hub/sha.hpp"
#include "hub/snapshot.hpp"
#include "support/refusal.hpp"
#include "support/temporary_folder.hpp"

namespace axl::hub {
namespace {

namespace fs = std::filesystem;

class Hub : public ::testing::Test {
 protected:
  Hub() {
    for (const char* variable : {"HF_HUB_CACHE", "HF_ENDPOINT", "HF_TOKEN", "HF_TOKEN_PATH",
                                 "HUGGING_FACE_HUB_TOKEN", "TRANSFORMERS_OFFLINE"})
      ::unsetenv(variable);
    ::setenv("HF_HOME", folder_.path().c_str(), 1);
    ::setenv("HF_HUB_OFFLINE", "1", 1);
  }
  std::string write(const std::string& name, const std::string& text) const {
    return folder_.write(name, text);
  }
  test::TemporaryFolder folder_;
  const fs::path root_ = folder_.path();
  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";
};

TEST_F(Hub, ChecksumsAreThoseOfTheStandards) {
  EXPECT_EQ(sha256_of_file(write("e", "")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of_file(write("abc", "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of_file(write("a", std::string(1000000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha256_of_text("abc"), sha256_of_file(write("abc", "abc")));
  EXPECT_EQ(git_blob_of_file(write("e", "")), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(git_blob_of_file(write("h", "hello\n")), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST_F(Hub, NamesAndPatterns) {
  EXPECT_TRUE(is_repository_name("org/name-1.5_x"));
  EXPECT_TRUE(is_repository_name("org/name@refs/pr/1"));
  EXPECT_EQ(split_revision("org/name@v1.0"),
            std::pair(std::string("org/name"), std::string("v1.0")));
  EXPECT_EQ(split_revision("org/name").second, "");
  for (const char* bad :
       {"", "name", "org/name@", "org/name@a@b", "org/name@../x", "name@v1", "/org/name", "./name",
        "a/b/c", "a/../b", "org/rows.jsonl", "org/na me", "org/", "../name"})
    EXPECT_FALSE(is_repository_name(bad)) << bad;
  EXPECT_TRUE(matches("data/*.parquet", "data/train-0.parquet"));
  EXPECT_FALSE(matches("data/*.parquet", "data/more/train-0.parquet"));
  EXPECT_TRUE(matches("**/*.json", "a/b/c.json"));
  EXPECT_TRUE(matches("**/*.json", "c.json"));
  EXPECT_TRUE(matches("train-?.csv", "train-1.csv"));
  EXPECT_FALSE(matches("train-?.csv", "train-10.csv"));
  EXPECT_TRUE(matches("*********", "x"));
  // Would take years if every way of dividing the path were tried.
  EXPECT_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*b", std::string(300, 'a')));
  EXPECT_FALSE(matches(std::string(1 << 20, '*'), "x"));
  EXPECT_TRUE(matches("part-[0-4]*.csv", "part-3a.csv"));
  EXPECT_FALSE(matches("part-[0-4]*.csv", "part-5a.csv"));
  EXPECT_TRUE(matches("part-[!0-4].csv", "part-5.csv"));
  EXPECT_FALSE(matches("part-[!0-4].csv", "part-4.csv"));
  EXPECT_TRUE(matches("a[]x]", "a]"));
  EXPECT_TRUE(matches("a[", "a["));
  EXPECT_FALSE(matches("a?b", "a/b"));
  EXPECT_FALSE(matches("a[!x]b", "a/b"));
}

TEST_F(Hub, OptionsComeFromTheUsualVariables) {
  Options o = options_from_environment();
  EXPECT_EQ(o.cache, root_.string() + "/hub");
  EXPECT_TRUE(o.offline);
  EXPECT_EQ(o.endpoint, "https://huggingface.co");
  write("token", "from-file\n");
  EXPECT_EQ(options_from_environment().token, "from-file");
  ::setenv("HF_TOKEN", "from-variable", 1);
  ::setenv("HF_HUB_OFFLINE", "0", 1);
  ::setenv("HF_ENDPOINT", "http://mirror/", 1);
  ::setenv("HF_HUB_CACHE", "/elsewhere", 1);
  o = options_from_environment();
  EXPECT_EQ(o.token, "from-variable");
  EXPECT_FALSE(o.offline);
  EXPECT_EQ(o.endpoint, "http://mirror");
  EXPECT_EQ(o.cache, "/elsewhere");
}

TEST_F(Hub, OfflineTakesTheSnapshotThatTheCacheHas) {
  const auto all = [](const std::vector<std::string>& files, const Reader&) { return files; };
  EXPECT_NE(test::refusal([&] {
              fetch(RepositoryKind::dataset, "org/rows", "", all);
            }).find("is not in the cache"),
            std::string::npos);
  const std::string at = "hub/datasets--org--rows/";
  write(at + "refs/main", kCommit);
  write(at + "snapshots/" + kCommit + "/data/train.jsonl", "{}\n");
  const Snapshot s = fetch(RepositoryKind::dataset, "org/rows", "", all);
  EXPECT_EQ(s.commit, kCommit);
  EXPECT_EQ(s.files, (std::vector<std::string>{"data/train.jsonl"}));
  EXPECT_TRUE(fs::exists(fs::path(s.folder) / s.files[0]));
  EXPECT_EQ(fetch(RepositoryKind::dataset, "org/rows", kCommit, all).files, s.files);
}

TEST_F(Hub, AChooserReadsFilesOfTheSnapshot) {
  const std::string at = "hub/datasets--org--rows/snapshots/" + std::string(kCommit) + "/";
  write(at + "README.md", "a card");
  std::string card, missing = "x", outside = "x";
  fetch(RepositoryKind::dataset, "org/rows", kCommit,
        [&](const std::vector<std::string>& files, const Reader& read) {
          card = read("README.md");
          missing = read("nothing");
          outside = read("../../refs/main");
          return files;
        });
  EXPECT_EQ(card, "a card");
  EXPECT_EQ(missing, "");
  EXPECT_EQ(outside, "");
}

TEST_F(Hub, ARevisionBehindTheNameIsThatSnapshot) {
  const std::string at = "hub/models--org--small/";
  write(at + "refs/v1.0", kCommit);
  const std::string folder = at + "snapshots/" + kCommit;
  write(folder + "/tokenizer.json", "{}");
  EXPECT_EQ(model_folder("org/small@v1.0", ModelPart::tokenizer), (root_ / folder).string());
  EXPECT_EQ(model_folder(std::string("org/small@") + kCommit, ModelPart::tokenizer),
            (root_ / folder).string());
  EXPECT_NE(test::refusal([] { model_folder("org/small", ModelPart::tokenizer); }), "");
}

TEST_F(Hub, AModelIsRecordedWithItsCommit) {
  const std::string at = "hub/models--org--small/";
  write(at + "refs/v1.0", kCommit);
  write(at + "snapshots/" + kCommit + "/config.json", "{}");
  const auto recorded = [](const std::string& name) {
    const auto [base, revision] = recorded_name(name);
    return base + " " + revision;
  };
  EXPECT_EQ(recorded("org/small@v1.0"), std::string("org/small ") + kCommit);
  EXPECT_EQ(recorded("org/small@v2.0"), "org/small v2.0") << "not in the cache";
  EXPECT_EQ(recorded("org/other"), "org/other ");
  EXPECT_EQ(recorded(folder_.path()), std::string(folder_.path()) + " ");
}

TEST_F(Hub, FilesOfUrlsKeepTheirPlaceInTheCache) {
  // SHA-256 of the URL: the same on every machine and with every compiler.
  const std::string url = "http://127.0.0.1:1/rows.jsonl?x=1";
  const std::string at = write("hub/axolotl-hpc/" + sha256_of_text(url) + "/rows.jsonl", "{}\n");
  EXPECT_EQ(fetch_url(url), at);
}

TEST_F(Hub, OtherPlacesComeWithTheWayThere) {
  EXPECT_EQ(hint_of_remote("data/rows.jsonl"), "");
  EXPECT_NE(hint_of_remote("s3://bucket/rows").find("aws s3 cp --recursive s3://bucket/rows"),
            std::string::npos);
  EXPECT_NE(hint_of_remote("gs://bucket/rows").find("gcloud storage cp"), std::string::npos);
  EXPECT_NE(hint_of_remote("ftp://host/rows").find("fetch it first"), std::string::npos);
}

TEST_F(Hub, ModelsNeedAllTheirFiles) {
  const std::string at = "hub/models--org--small/";
  write(at + "refs/main", kCommit);
  const std::string folder = at + "snapshots/" + kCommit + "/";
  write(folder + "config.json", "{}");
  write(folder + "tokenizer.json", "{}");
  EXPECT_EQ(model_folder("org/small", ModelPart::tokenizer),
            (root_ / folder).string().substr(0, (root_ / folder).string().size() - 1));
  write(folder + "model.safetensors.index.json",
        R"({"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}})");
  write(folder + "m-1.safetensors", "");
  EXPECT_NE(test::refusal([] { model_folder("org/small", ModelPart::everything); }), "");
  write(folder + "m-2.safetensors", "");
  EXPECT_EQ(test::refusal([] { model_folder("org/small", ModelPart::everything); }), "");
  EXPECT_EQ(model_folder("./here", ModelPart::everything), "./here");
}

}  // namespace
}  // namespace axl::hub
