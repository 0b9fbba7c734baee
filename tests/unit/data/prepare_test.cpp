#include "data/prepare.hpp"

#include <filesystem>
#include <set>

#include "data/prepared_file.hpp"
#include "format_fixture.hpp"

namespace axl::data {
namespace {

namespace fs = std::filesystem;
using testing::read_bytes;

class Prepare : public testing::FormatTest {
 protected:
  Prepare() {
    config.dataset_prepared_path = folder.path("prepared");
    config.dataset_num_proc = 2;
    config.val_set_size = 0;
    dataset.type = "completion";
    dataset.path = folder.path("rows.jsonl");
    config.datasets = {dataset};
  }
  /// Rows {"text": "r<i>"}.
  static std::string numbered(int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += "{\"text\": \"row " + std::to_string(i) + "\"}\n";
    return out;
  }
  PrepareResult run() { return prepare(config, tokenizer, {}); }
  std::string error_of(ErrorCode code) {
    try {
      run();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      return e.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }
};

TEST_F(Prepare, ShuffleIsAPermutationOfTheSeed) {
  folder.write("rows.jsonl", numbered(300));
  const auto first = texts(run().train_path);
  config.seed = 43;
  const auto second = texts(run().train_path);
  config.shuffle_merged_datasets = false;
  const auto in_order = texts(run().train_path);
  EXPECT_NE(first, second);
  ASSERT_EQ(in_order.size(), 300U);
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(in_order[static_cast<std::size_t>(i)], "row " + std::to_string(i));
  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()),
            std::set<std::string>(in_order.begin(), in_order.end()));
}

TEST_F(Prepare, ResultDoesNotDependOnThreads) {
  folder.write("rows.jsonl", numbered(1000));
  const std::string one = read_bytes(run().train_path);
  config.dataset_num_proc = 7;
  config.dataset_prepared_path = folder.path("elsewhere");
  EXPECT_EQ(read_bytes(run().train_path), one);
}

TEST_F(Prepare, ValidationRowsAreTheTail) {
  folder.write("rows.jsonl", numbered(95));
  config.shuffle_merged_datasets = false;
  config.val_set_size = 0.1;
  PrepareResult r = run();
  EXPECT_EQ(texts(r.train_path).size(), 85U);
  ASSERT_EQ(texts(r.eval_path).size(), 10U);  // rounded up
  EXPECT_EQ(texts(r.eval_path).front(), "row 85");
  config.val_set_size = 3;
  r = run();
  EXPECT_EQ(texts(r.eval_path), (std::vector<std::string>{"row 92", "row 93", "row 94"}));
  config.val_set_size = 95;
  EXPECT_NE(error_of(ErrorCode::config).find("val_set_size"), std::string::npos);
}

TEST_F(Prepare, TestDatasetsAreTheEvaluationSet) {
  folder.write("rows.jsonl", numbered(5));
  folder.write("test.jsonl", R"({"text": "held out"})");
  config::DatasetConfig test = dataset;
  test.path = folder.path("test.jsonl");
  config.test_datasets = {test};
  EXPECT_EQ(texts(run().eval_path), (std::vector<std::string>{"held out"}));
}

TEST_F(Prepare, LengthRules) {
  folder.write("rows.jsonl", R"({"instruction": "I", "output": "123456789012345678901234567890"}
{"instruction": "I", "output": "1"}
{"instruction": "I", "output": ""}
)");
  config.datasets[0].type = "alpaca_chat.load_no_prompt";  // "USER: I\nASSISTANT:" = 18 tokens
  config.sequence_len = 30;
  PrepareResult r = run();
  EXPECT_EQ(texts(r.train_path).size(), 1U);
  EXPECT_EQ(r.reports[0].rows_read, 3);
  EXPECT_EQ(r.reports[0].rows_kept, 1);
  EXPECT_EQ(r.reports[0].dropped_too_long, 1);
  EXPECT_EQ(r.reports[0].dropped_no_labels, 1);
  config.excess_length_strategy = "truncate";
  r = run();
  EXPECT_EQ(r.reports[0].truncated, 1);
  const PreparedDataset d = PreparedDataset::open(r.train_path);
  EXPECT_EQ(std::max(d.length(0), d.length(1)), 30);
  config.min_sample_len = 25;
  EXPECT_EQ(run().reports[0].dropped_too_short, 2);
  config.excess_length_strategy = "raise";
  EXPECT_NE(error_of(ErrorCode::data).find("rows.jsonl:1: "), std::string::npos);
}

/// Every row and token of the files is in a sample, or in a count.
TEST_F(Prepare, WhatIsCutOffAndWhatIsEmptyIsCounted) {
  config.sequence_len = 8;
  dataset.path = folder.write("a.txt", "one\n\n" + std::string(8 * 64 + 100, 'x') + "\n\n");
  config.datasets = {dataset};
  PrepareResult r = run();
  const DatasetReport& report = r.reports[0];
  EXPECT_EQ(report.rows_read, 4);
  EXPECT_EQ(report.dropped_empty, 2);
  EXPECT_EQ(report.truncated, 1);
  const auto whole =
      static_cast<std::int64_t>(tokenizer.encode(std::string(8 * 64 + 100, 'x'), true).size());
  EXPECT_EQ(report.lost_tokens, whole - 8 * 64);
  EXPECT_NE(std::find_if(r.warnings.begin(), r.warnings.end(),
                         [&](const std::string& w) {
                           return w.find(std::to_string(report.lost_tokens) +
                                         " of their tokens are in no sample") != w.npos;
                         }),
            r.warnings.end());
  const PrepareResult again = run();
  EXPECT_TRUE(again.from_cache);
  EXPECT_EQ(again.reports[0].dropped_empty, 2);
  EXPECT_EQ(again.reports[0].lost_tokens, report.lost_tokens);
}

/// Each of several, with streamed training rows as well; what was dropped is said.
TEST_F(Prepare, TestRowsThatAreAllDroppedAreAnError) {
  folder.write("rows.jsonl", numbered(3));
  config::DatasetConfig good = dataset, bad = dataset;
  good.path = folder.write("good.jsonl", "{\"text\": \"short\"}\n");
  bad.path = folder.write("bad.jsonl", "{\"text\": \"\"}\n{\"text\": \"\"}\n");
  config.test_datasets = {good, bad};
  EXPECT_NE(error_of(ErrorCode::data)
                .find("bad.jsonl': none of its 2 rows is left to evaluate on; dropped: 2 without"),
            std::string::npos);
  try {
    prepare_test_rows(config, tokenizer);
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("bad.jsonl': none of its 2 rows"), std::string::npos);
  }
  config.test_datasets = {good};
  EXPECT_FALSE(prepare_test_rows(config, tokenizer).eval_path.empty());
}

TEST_F(Prepare, BrokenRowsAreCountedAndShown) {
  folder.write("rows.jsonl",
               "{\"text\": \"good\"}\n{\"text\": \"bad\n\n{\"txt\": \"x\"}\n[1]\n"
               "{\"text\": \"good too\"}\n");
  const PrepareResult r = run();
  EXPECT_EQ(texts(r.train_path).size(), 2U);
  const DatasetReport& report = r.reports[0];
  EXPECT_EQ(report.rows_read, 5);
  EXPECT_EQ(report.dropped_broken, 3);
  ASSERT_EQ(report.examples.size(), 3U);
  EXPECT_NE(report.examples[0].find("rows.jsonl:2: invalid JSON"), std::string::npos);
  EXPECT_NE(report.examples[1].find("rows.jsonl:4: no column 'text'; columns found: txt"),
            std::string::npos);
  EXPECT_NE(report.examples[2].find("rows.jsonl:5: not an object"), std::string::npos);
  ASSERT_FALSE(r.warnings.empty());
  EXPECT_NE(r.warnings[0].find("3 of 5 rows"), std::string::npos);
}

TEST_F(Prepare, NotesAreCountedAndReadBackFromTheCache) {
  folder.write(
      "rows.jsonl",
      "{\"text\": \"one\", \"text\": \"two\"}\n{\"text\": \"three\"}\n"
      "{\"text\": \"four\", \"n\": 1000000000000000000001, \"m\": {\"a\": 1, \"a\": NaN}}\n");
  for (const bool cached : {false, true}) {
    const PrepareResult r = run();
    EXPECT_EQ(r.from_cache, cached);
    EXPECT_EQ(r.reports[0].notes.duplicate_keys, 2);
    EXPECT_EQ(r.reports[0].rows_kept, 3);
    ASSERT_FALSE(r.warnings.empty());
    EXPECT_NE(r.warnings[0].find("2 rows with a key twice in one object, of which the last counts"),
              std::string::npos)
        << r.warnings[0];
    const auto texts_found = texts(r.train_path);
    EXPECT_NE(std::find(texts_found.begin(), texts_found.end(), "two"), texts_found.end());
  }
}

TEST_F(Prepare, ADocumentIsReadThroughItsField) {
  folder.write("rows.jsonl",
               "{\"version\": 1, \"data\": [\n{\"text\": \"one\"},\n{\"text\": \"two\"}\n]}\n");
  EXPECT_NE(error_of(ErrorCode::data)
                .find("under 'data' it holds a list of 2 objects: `field: data` of "
                      "the dataset reads those as rows"),
            std::string::npos);
  config.datasets[0].field = "data";
  EXPECT_EQ(texts(run().train_path).size(), 2U);
  folder.write("rows.jsonl", "{\n \"text\": \"one\"\n}\n{\"text\": \"two\"}{\"text\": \"three\"}");
  config.datasets[0].field = "text";
  EXPECT_EQ(texts(run().train_path).size(), 3U);
}

TEST_F(Prepare, NothingUsableIsAnError) {
  folder.write("rows.jsonl", "{\"txt\": \"x\"}\n{\"txt\": \"y\"}\n");
  EXPECT_NE(error_of(ErrorCode::data).find("columns found: txt"), std::string::npos);
  folder.write("rows.jsonl", "");
  EXPECT_NE(error_of(ErrorCode::data).find("has no rows"), std::string::npos);
  folder.write("rows.jsonl", numbered(3));
  config.min_sample_len = 100;
  EXPECT_NE(error_of(ErrorCode::data).find("no row is left"), std::string::npos);
  config.datasets.clear();
  EXPECT_NE(error_of(ErrorCode::config).find("no datasets"), std::string::npos);
}

TEST_F(Prepare, ExactDuplicatesAreDropped) {
  folder.write("rows.jsonl", numbered(10) + numbered(10));
  EXPECT_EQ(texts(run().train_path).size(), 20U);
  config.dataset_exact_deduplication = true;
  const PrepareResult r = run();
  const auto rows = texts(r.train_path);
  EXPECT_EQ(rows.size(), 10U);
  EXPECT_EQ(r.reports[0].deduplicated, 10);
  EXPECT_EQ(r.reports[0].rows_kept, 10);
}

TEST_F(Prepare, SplitsAndShards) {
  folder.write("rows.jsonl", numbered(100));
  config.shuffle_merged_datasets = false;
  config.datasets[0].split = "train[10%:12%]";
  EXPECT_EQ(texts(run().train_path), (std::vector<std::string>{"row 10", "row 11"}));
  config.datasets[0].split = "train";
  config.datasets[0].shards = 3;
  std::multiset<std::string> all;
  for (std::int64_t i = 0; i < 3; ++i) {
    config.datasets[0].shards_idx = i;
    for (std::string& t : texts(run().train_path)) all.insert(std::move(t));
  }
  EXPECT_EQ(all.size(), 100U);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 100U);
  config.datasets[0].shards_idx = 3;
  EXPECT_NE(error_of(ErrorCode::config).find("shards_idx"), std::string::npos);
}

TEST_F(Prepare, SecondRunTakesTheCache) {
  folder.write("rows.jsonl", numbered(50) + "{\"text\": broken}\n");
  const PrepareResult first = run();
  EXPECT_FALSE(first.from_cache);
  const PrepareResult second = run();
  EXPECT_TRUE(second.from_cache);
  EXPECT_EQ(second.train_path, first.train_path);
  EXPECT_EQ(second.warnings, first.warnings);
  ASSERT_EQ(second.reports.size(), 1U);
  EXPECT_EQ(second.reports[0].rows_kept, first.reports[0].rows_kept);
  EXPECT_EQ(second.reports[0].examples, first.reports[0].examples);
}

TEST_F(Prepare, OneChangedByteOrSettingIsAnotherDataset) {
  folder.write("rows.jsonl", numbered(20));
  std::set<std::string> paths{run().train_path};
  const auto is_new = [&] {
    const PrepareResult r = run();
    EXPECT_FALSE(r.from_cache);
    return paths.insert(r.train_path).second;
  };
  std::string changed = numbered(20);
  changed[changed.size() - 4] = 'x';
  folder.write("rows.jsonl", changed);
  EXPECT_TRUE(is_new());
  config.sequence_len = 100;
  EXPECT_TRUE(is_new());
  config.seed = 1;
  EXPECT_TRUE(is_new());
  config.min_sample_len = 3;
  EXPECT_TRUE(is_new());
  config.val_set_size = 2;
  EXPECT_TRUE(is_new());
  config.datasets[0].split = "train[:10]";
  EXPECT_TRUE(is_new());
  tokenizer.add_tokens({"row "}, false);
  EXPECT_TRUE(is_new());
  EXPECT_TRUE(run().from_cache);
}

TEST_F(Prepare, DamagedCacheIsBuiltAgain) {
  folder.write("rows.jsonl", numbered(20));
  const PrepareResult first = run();
  const std::string good = read_bytes(first.train_path);
  const auto rebuilds = [&] {
    const PrepareResult r = run();
    EXPECT_FALSE(r.from_cache);
    EXPECT_EQ(read_bytes(r.train_path), good);
  };
  std::string bad = good;
  bad[bad.size() - 5] = static_cast<char>(bad[bad.size() - 5] ^ 1);
  std::ofstream(first.train_path, std::ios::binary) << bad;
  rebuilds();
  std::ofstream(first.train_path, std::ios::binary) << good.substr(0, good.size() / 2);
  rebuilds();
  fs::remove(first.train_path);
  rebuilds();
  std::ofstream(fs::path(first.train_path).parent_path() / "manifest.json") << "{";
  rebuilds();
  // No temporary folder is left behind.
  for (const auto& entry : fs::directory_iterator(config.dataset_prepared_path))
    EXPECT_EQ(entry.path().filename().string().find(".tmp-"), std::string::npos);
}

TEST_F(Prepare, WarnsWhenNothingTeachesTheModelToStop) {
  folder.write("rows.jsonl", R"({"segments": [{"label": true, "text": "never ends"}]})");
  config.datasets[0].type = "input_output";
  const PrepareResult r = run();
  ASSERT_EQ(r.warnings.size(), 1U);
  EXPECT_NE(r.warnings[0].find("no EOS token is ever trained"), std::string::npos);
}

TEST_F(Prepare, SeveralDatasetsAreMerged) {
  folder.write("rows.jsonl", numbered(5));
  folder.write("more.json", R"([{"instruction": "I", "output": "O"}])");
  config::DatasetConfig more = dataset;
  more.path = folder.path("more.json");
  more.type = "alpaca_chat.load_no_prompt";
  config.datasets.push_back(more);
  config.shuffle_merged_datasets = false;
  const PrepareResult r = run();
  EXPECT_EQ(texts(r.train_path).back(), "USER: I\nASSISTANT:O");
  ASSERT_EQ(r.reports.size(), 2U);
  EXPECT_EQ(r.reports[1].type, "alpaca_chat.load_no_prompt");
}

TEST_F(Prepare, FinishedTokensNeedNoType) {
  folder.write("rows.jsonl",
               R"({"input_ids": [72, 105], "labels": [-100, 105], "attention_mask": [1, 1]})");
  config.datasets[0].type.clear();
  EXPECT_EQ(texts(run().train_path), (std::vector<std::string>{"Hi"}));
}

TEST_F(Prepare, ReportsProgressUpToTheEnd) {
  folder.write("rows.jsonl", numbered(700));
  std::int64_t last = -1, total = 0;
  prepare(config, tokenizer, [&](std::int64_t done, std::int64_t of) {
    EXPECT_GE(done, last);
    last = done;
    total = of;
  });
  EXPECT_EQ(last, 700);
  EXPECT_EQ(total, 700);
}

}  // namespace
}  // namespace axl::data
