#include "data/source.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "temporary_folder.hpp"

namespace axl::data {
namespace {

using testing::TemporaryFolder;

struct Found {
  std::vector<std::string> rows;
  std::vector<std::uint32_t> lines;
  std::vector<std::string> broken;
};

Found rows_of(const config::DatasetConfig& dataset) {
  Found out;
  auto files = open_sources(dataset);
  RowList list;
  for (std::size_t f = 0; f < files.size(); ++f)
    find_rows(files[f], static_cast<std::uint32_t>(f), list);
  for (const RowRef& ref : list.rows) {
    out.rows.emplace_back(files[ref.file].bytes().substr(ref.offset, ref.length));
    out.lines.push_back(ref.line);
  }
  out.broken = list.broken;
  return out;
}

Found rows_of_file(const std::string& path) {
  config::DatasetConfig d;
  d.path = path;
  return rows_of(d);
}

template <class F>
std::string message_of(F&& f, ErrorCode code) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(Source, JsonArrayRowsHaveTheirLines) {
  TemporaryFolder folder;
  const Found f = rows_of_file(folder.write(
      "a.json", "[\n  {\"a\": \"x]},\\\"\"},\n\n  {\"a\": [1, {\"b\": 2}]} ,{\n\"a\":3}]\n"));
  ASSERT_EQ(f.rows.size(), 3U);
  EXPECT_EQ(f.rows[0], "{\"a\": \"x]},\\\"\"}");
  EXPECT_EQ(f.rows[1], "{\"a\": [1, {\"b\": 2}]}");
  EXPECT_EQ(f.rows[2], "{\n\"a\":3}");
  EXPECT_EQ(f.lines, (std::vector<std::uint32_t>{2, 4, 4}));
  EXPECT_TRUE(f.broken.empty());
}

TEST(Source, LinesSkipBlankOnesAndByteOrderMark) {
  TemporaryFolder folder;
  for (const char* name : {"a.jsonl", "a.json"}) {
    const Found f = rows_of_file(folder.write(name, "\xEF\xBB\xBF{\"a\":1}\r\n\n   \n{\"a\":2}"));
    ASSERT_EQ(f.rows.size(), 2U);
    EXPECT_EQ(f.rows[0], "{\"a\":1}");
    EXPECT_EQ(f.rows[1], "{\"a\":2}");
    EXPECT_EQ(f.lines, (std::vector<std::uint32_t>{1, 4}));
  }
}

TEST(Source, TextFilesKeepEveryLine) {
  TemporaryFolder folder;
  const Found f = rows_of_file(folder.write("a.txt", "one \n\nthree"));
  EXPECT_EQ(f.rows, (std::vector<std::string>{"one ", "", "three"}));
}

TEST(Source, CutOffArrayKeepsWhatIsComplete) {
  TemporaryFolder folder;
  const Found f = rows_of_file(folder.write("a.json", "[{\"a\":1},\n{\"a\":2},\n{\"a\": \"th"));
  EXPECT_EQ(f.rows.size(), 2U);
  ASSERT_EQ(f.broken.size(), 1U);
  EXPECT_NE(f.broken[0].find("a.json:3: the file ends"), std::string::npos) << f.broken[0];
}

TEST(Source, TextAfterTheArrayIsReported) {
  TemporaryFolder folder;
  const Found f = rows_of_file(folder.write("a.json", "[{\"a\":1}]\n{\"a\":2}"));
  EXPECT_EQ(f.rows.size(), 1U);
  ASSERT_EQ(f.broken.size(), 1U);
  EXPECT_NE(f.broken[0].find("a.json:2:"), std::string::npos);
}

TEST(Source, EmptyFilesHaveNoRows) {
  TemporaryFolder folder;
  EXPECT_TRUE(rows_of_file(folder.write("a.json", "")).rows.empty());
  EXPECT_TRUE(rows_of_file(folder.write("b.json", "[ ]")).rows.empty());
  EXPECT_TRUE(rows_of_file(folder.write("c.jsonl", "\n\n")).rows.empty());
}

TEST(Source, FoldersChooseTheFilesOfTheSplit) {
  TemporaryFolder folder;
  folder.write("d/train-00.jsonl", "{\"n\":1}\n");
  folder.write("d/train-01.jsonl", "{\"n\":2}\n");
  folder.write("d/test-00.jsonl", "{\"n\":3}\n");
  folder.write("d/README.txt", "not data\n");
  config::DatasetConfig d;
  d.path = folder.path("d");
  EXPECT_EQ(rows_of(d).rows, (std::vector<std::string>{"{\"n\":1}", "{\"n\":2}"}));
  d.split = "test[:1]";
  EXPECT_EQ(rows_of(d).rows, (std::vector<std::string>{"{\"n\":3}"}));
}

/// Hidden ones, those of editors and archivers, and what Hugging Face's library keeps beside rows.
TEST(Source, FoldersHoldMoreThanRows) {
  TemporaryFolder folder;
  for (const char* name :
       {".git/rows.jsonl", ".ipynb_checkpoints/rows-checkpoint.jsonl", "__MACOSX/._rows.jsonl",
        "__pycache__/rows.jsonl", ".rows.jsonl.swp", "rows.jsonl~", "#rows.jsonl#", ".hidden.jsonl",
        "config.json", "dataset_dict.json", "dataset_info.json", "dataset_infos.json",
        "state.json"})
    folder.write(std::string("d/") + name, "{\"n\":0}\n");
  folder.write("d/rows.jsonl", "{\"n\":1}\n");
  folder.write("d/a/b/c/d/e/f/deep.jsonl", "{\"n\":2}\n");
  folder.write("d/z.jsonl", "{\"n\":3}\n");
  config::DatasetConfig d;
  d.path = folder.path("d");
  EXPECT_EQ(rows_of(d).rows, (std::vector<std::string>{"{\"n\":2}", "{\"n\":1}", "{\"n\":3}"}));
}

TEST(Source, RowsOfACsvFileKnowTheirLines) {
  TemporaryFolder folder;
  const Found f = rows_of_file(folder.write("a.csv", "a,b\n\"two\nlines\",x\n\n1,2\n3,4\n"));
  EXPECT_EQ(f.lines, (std::vector<std::uint32_t>{2, 5, 6}));
}

TEST(Source, NamesOfASplitAreThoseOfHuggingFace) {
  TemporaryFolder folder;
  const auto files = [&folder](const std::string& split) {
    config::DatasetConfig d;
    d.path = folder.path("d");
    d.split = split;
    return rows_of(d).rows;
  };
  using Rows = std::vector<std::string>;
  folder.write("d/training_set.jsonl", "1\n");
  folder.write("d/dev.jsonl", "2\n");
  folder.write("d/eval-0.jsonl", "3\n");
  EXPECT_EQ(files("train"), (Rows{"1"}));
  EXPECT_EQ(files("validation"), (Rows{"2"}));
  EXPECT_EQ(files("test"), (Rows{"3"}));
  EXPECT_EQ(files("dev"), (Rows{"2"}));
  folder.write("e/data.jsonl", "6\n");
  folder.write("e/val.jsonl", "7\n");
  config::DatasetConfig e;
  e.path = folder.path("e");
  EXPECT_EQ(rows_of(e).rows, (Rows{"6"}));
  e.split = "test";  // not the training rows in its place
  EXPECT_NE(message_of([&] { open_sources(e); }, ErrorCode::data).find("'test'"),
            std::string::npos);
  // Folders that are named after splits decide alone.
  folder.write("d/train/test_questions.jsonl", "4\n");
  folder.write("d/val/x.jsonl", "5\n");
  EXPECT_EQ(files("train"), (Rows{"4"}));
  EXPECT_EQ(files("validation[:1]"), (Rows{"5"}));
}

TEST(Source, DataFilesAreSeenFromTheWorkingDirectoryFirst) {
  TemporaryFolder folder;
  folder.write("d/a.jsonl", "1\n");
  folder.write("d/both.jsonl", "2\n");
  folder.write("both.jsonl", "3\n");
  config::DatasetConfig dataset;
  dataset.path = "d";
  const auto rows = [&](std::vector<std::string> files) {
    dataset.data_files = std::move(files);
    return rows_of(dataset).rows;
  };
  using Rows = std::vector<std::string>;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path(""));
  EXPECT_EQ(rows({"a.jsonl"}), (Rows{"1"}));
  EXPECT_EQ(rows({"d/a.jsonl", "both.jsonl"}), (Rows{"1", "3"}));
  EXPECT_EQ(rows({"d/*.jsonl"}), (Rows{"1", "2"}));
  dataset.path = "d/a.jsonl";  // a file is the dataset
  EXPECT_EQ(rows({"both.jsonl"}), (Rows{"1"}));
  std::filesystem::current_path(before);
}

TEST(Source, GlobsDataFilesAndLoaderNames) {
  TemporaryFolder folder;
  folder.write("d/a.jsonl", "{\"n\":1}\n");
  folder.write("d/b.jsonl", "{\"n\":2}\n");
  config::DatasetConfig d;
  d.path = folder.path("d/*.jsonl");
  EXPECT_EQ(rows_of(d).rows.size(), 2U);
  d.path = folder.path("d");
  d.data_files = {"b.jsonl"};
  EXPECT_EQ(rows_of(d).rows, (std::vector<std::string>{"{\"n\":2}"}));
  d.path = "json";
  d.data_files = {folder.path("d/b.jsonl"), folder.path("d/a.jsonl")};
  EXPECT_EQ(rows_of(d).rows, (std::vector<std::string>{"{\"n\":2}", "{\"n\":1}"}));
}

TEST(Source, PathsBesideTheYamlAreFound) {
  TemporaryFolder folder;
  folder.write("config/rows.jsonl", "{\"n\":1}\n");
  config::DatasetConfig d;
  d.path = "rows.jsonl";
  d.where.file = folder.path("config/run.yaml");
  EXPECT_EQ(rows_of(d).rows.size(), 1U);
}

TEST(Source, MissingAndUnreadableOnesAreNamed) {
  TemporaryFolder folder;
  config::DatasetConfig d;
  d.path = folder.path("no.json");
  EXPECT_NE(message_of([&] { open_sources(d); }, ErrorCode::data).find("no.json"),
            std::string::npos);
  d.path = "some-org/some-dataset";
  ::setenv("HF_HUB_OFFLINE", "1", 1);
  ::setenv("HF_HOME", folder.path("hub").c_str(), 1);
  EXPECT_NE(message_of([&] { open_sources(d); }, ErrorCode::data).find("HF_HUB_OFFLINE is set"),
            std::string::npos);
  d.path = folder.write("x.pickle", "PAR1");
  EXPECT_NE(message_of([&] { open_sources(d); }, ErrorCode::unsupported).find(".pickle"),
            std::string::npos);
}

TEST(Source, SplitSlices) {
  using Range = std::pair<std::size_t, std::size_t>;
  EXPECT_EQ(split_range("train", 100, {}), (Range{0, 100}));
  EXPECT_EQ(split_range("train[:30]", 100, {}), (Range{0, 30}));
  EXPECT_EQ(split_range("train[30:]", 100, {}), (Range{30, 100}));
  EXPECT_EQ(split_range("train[10%:20%]", 100, {}), (Range{10, 20}));
  EXPECT_EQ(split_range("train[-5:]", 100, {}), (Range{95, 100}));
  EXPECT_EQ(split_range("train[:-10%]", 200, {}), (Range{0, 180}));
  EXPECT_EQ(split_range("train[:500]", 100, {}), (Range{0, 100}));
  EXPECT_EQ(split_range("train[60:50]", 100, {}), (Range{60, 60}));
  EXPECT_EQ(split_range("train[33%:67%]", 10, {}), (Range{3, 7}));
  EXPECT_EQ(split_range("train[:1_0]", 100, {}), (Range{0, 10}));
  EXPECT_EQ(split_range("train[20:80%]", 10, {}), (Range{2, 8}));
  EXPECT_EQ(split_range("train[:45%](closest)", 10, {}), (Range{0, 4}));
  EXPECT_EQ(split_range("train[:50%](pct1_dropremainder)", 205, {}), (Range{0, 100}));
  for (const char* bad :
       {"train[", "train[5]", "train[a:b]", "train[:200%]", "train+test", "train[:5%](up)"})
    EXPECT_NE(message_of([&] { split_range(bad, 10, {}); }, ErrorCode::config).find(bad),
              std::string::npos);
}

}  // namespace
}  // namespace axl::data
