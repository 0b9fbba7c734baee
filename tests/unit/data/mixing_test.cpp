// Several datasets as one; duplicates; order.
#include "data/mixing.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "core/rng.hpp"
#include "data/near_duplicates.hpp"
#include "data/prepare.hpp"
#include "format_fixture.hpp"

namespace axl::data {
namespace {

class Mixing : public testing::FormatTest {
 protected:
  Mixing() {
    config.dataset_prepared_path = folder.path("prepared");
    config.val_set_size = 0;
    dataset.type = "completion";
  }
  void add(const std::string& letter, int rows, double weight = 1.0) {
    std::string text;
    for (int i = 0; i < rows; ++i) text += "{\"text\": \"" + letter + std::to_string(i) + "\"}\n";
    dataset.path = folder.write(letter + ".jsonl", text);
    dataset.weight = weight;
    config.datasets.push_back(dataset);
  }
  static std::map<char, int> letters(const std::vector<std::string>& rows) {
    std::map<char, int> out;
    for (const std::string& row : rows) ++out[row.at(0)];
    return out;
  }
};

TEST_F(Mixing, WeightsRepeatAndCut) {
  add("a", 100, 0.25);
  add("b", 10, 2.5);
  const PrepareResult r = prepare(config, tokenizer, {});
  EXPECT_EQ(letters(texts(r.train_path)), (std::map<char, int>{{'a', 25}, {'b', 25}}));
  EXPECT_EQ(r.reports[0].rows_kept, 100);
  EXPECT_EQ(r.reports[0].rows_used, 25);
  EXPECT_EQ(r.reports[1].rows_used, 25);
}

TEST_F(Mixing, TemperatureEvensTheSizesOut) {
  add("a", 900);
  add("b", 100);
  config.dataset_mixing_temperature = 1.0;
  EXPECT_EQ(mixture_counts({900, 100}, config), (std::vector<std::int64_t>{900, 100}));
  config.dataset_mixing_temperature = 2.0;
  EXPECT_EQ(mixture_counts({900, 100}, config), (std::vector<std::int64_t>{750, 250}));
  config.dataset_mixing_temperature = 1e9;
  EXPECT_EQ(mixture_counts({900, 100}, config), (std::vector<std::int64_t>{500, 500}));
  EXPECT_EQ(mixture_counts({0, 100}, config), (std::vector<std::int64_t>{0, 100}));
}

TEST_F(Mixing, InterleavedStretchesHoldEveryDatasetInProportion) {
  add("a", 300);
  add("b", 100);
  config.dataset_mixing = "interleave";
  const auto rows = texts(prepare(config, tokenizer, {}).train_path);
  ASSERT_EQ(rows.size(), 400U);
  for (std::size_t i = 0; i < 400; i += 40) {
    const auto count = letters({rows.begin() + static_cast<std::ptrdiff_t>(i),
                                rows.begin() + static_cast<std::ptrdiff_t>(i + 40)});
    EXPECT_EQ(count.at('a'), 30) << i;
    EXPECT_EQ(count.at('b'), 10) << i;
  }
}

TEST_F(Mixing, HeldOutRowsAreNeverTrained) {
  add("a", 50, 3.0);
  config.val_set_size = 10;
  const PrepareResult r = prepare(config, tokenizer, {});
  const auto train = texts(r.train_path);
  EXPECT_EQ(train.size(), 120U);
  for (const std::string& row : texts(r.eval_path))
    EXPECT_EQ(std::count(train.begin(), train.end(), row), 0) << row;
}

TEST_F(Mixing, ShardsOfTheMergedRowsArePartsOfIt) {
  add("a", 10);
  config.shuffle_merged_datasets = false;
  config.dataset_shard_num = 3;
  std::vector<std::string> all;
  for (std::int64_t i = 0; i < 3; ++i) {
    config.dataset_shard_idx = i;
    const auto part = texts(prepare(config, tokenizer, {}).train_path);
    EXPECT_EQ(part.size(), i == 0 ? 4U : 3U);
    all.insert(all.end(), part.begin(), part.end());
  }
  ASSERT_EQ(all.size(), 10U);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], "a" + std::to_string(i));
  config.dataset_shard_idx = 3;
  EXPECT_THROW(prepare(config, tokenizer, {}), Error);
}

TEST_F(Mixing, ShardsNeedBothKeysAndCutTheTestRowsToo) {
  add("b", 7);
  config.test_datasets = std::exchange(config.datasets, {});
  add("a", 10);
  config.dataset_shard_num = 3;
  EXPECT_EQ(texts(prepare(config, tokenizer, {}).train_path).size(), 10U);
  config.dataset_shard_idx = 1;
  const PrepareResult r = prepare(config, tokenizer, {});
  EXPECT_EQ(texts(r.train_path).size(), 3U);
  EXPECT_EQ(texts(r.eval_path), (std::vector<std::string>{"b3", "b4"}));
}

TEST_F(Mixing, OneDatasetAloneIsNotShuffledBeforeMerging) {
  add("a", 10);
  config.shuffle_merged_datasets = false;
  config.shuffle_before_merging_datasets = true;
  const auto rows = texts(prepare(config, tokenizer, {}).train_path);
  ASSERT_EQ(rows.size(), 10U);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(rows[static_cast<std::size_t>(i)], "a" + std::to_string(i));
}

TEST_F(Mixing, ShuffledBeforeMergingKeepsDatasetsApart) {
  add("a", 40);
  add("b", 40);
  config.shuffle_merged_datasets = false;
  config.shuffle_before_merging_datasets = true;
  const auto rows = texts(prepare(config, tokenizer, {}).train_path);
  ASSERT_EQ(rows.size(), 80U);
  EXPECT_EQ(letters({rows.begin(), rows.begin() + 40}), (std::map<char, int>{{'a', 40}}));
  EXPECT_NE(rows[0] + rows[1] + rows[2], "a0a1a2");
}

TEST_F(Mixing, CurriculumByLength) {
  dataset.path =
      folder.write("r.jsonl", "{\"text\": \"ccc\"}\n{\"text\": \"a\"}\n{\"text\": \"bb\"}\n");
  config.datasets = {dataset};
  config.curriculum_order = "length";
  EXPECT_EQ(texts(prepare(config, tokenizer, {}).train_path),
            (std::vector<std::string>{"a", "bb", "ccc"}));
  config.curriculum_order = "length_descending";
  EXPECT_EQ(texts(prepare(config, tokenizer, {}).train_path),
            (std::vector<std::string>{"ccc", "bb", "a"}));
}

TEST_F(Mixing, RowTransformsChangeColumns) {
  dataset.type = "alpaca_chat.load_no_prompt";
  dataset.row_transforms = {"rename q instruction", "strip output", "lower output", "drop input",
                            "require output"};
  dataset.path = folder.write("r.jsonl",
                              "{\"q\": \"Q\", \"input\": \"no\", \"output\": \"  Yes \"}\n"
                              "{\"q\": \"Q\", \"output\": \" \"}\n");
  config.datasets = {dataset};
  const PrepareResult r = prepare(config, tokenizer, {});
  EXPECT_EQ(texts(r.train_path), (std::vector<std::string>{"USER: Q\nASSISTANT:yes"}));
  EXPECT_EQ(r.reports[0].dropped_broken, 1);
  config.datasets[0].row_transforms = {"upper output"};
  EXPECT_THROW(prepare(config, tokenizer, {}), Error);
}

TEST_F(Mixing, SyntheticRowsFillTheirLength) {
  dataset.type = "_synthetic";
  dataset.path = "none";
  dataset.length = 7;
  dataset.min_input_id = 5;
  dataset.max_input_id = 9;
  dataset.sequence_length = 33;
  config.datasets = {dataset};
  const PreparedDataset d = PreparedDataset::open(prepare(config, tokenizer, {}).train_path);
  ASSERT_EQ(d.rows(), 7);
  for (std::int64_t i = 0; i < 7; ++i) {
    EXPECT_EQ(d.length(i), 33);
    for (const TokenId id : d.row(i).input_ids) EXPECT_TRUE(id >= 5 && id < 9);
  }
}

std::vector<TokenId> words(std::size_t count, std::uint64_t seed) {
  std::vector<TokenId> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(static_cast<TokenId>(random_below(50000, seed, 3, i)));
  return out;
}

TEST(NearDuplicatesTest, FindsChangedCopiesAndNothingElse) {
  constexpr std::size_t kRows = 300;
  std::vector<std::vector<TokenId>> rows;
  for (std::size_t i = 0; i < kRows; ++i) rows.push_back(words(200, i));
  for (std::size_t i = 0; i < kRows; ++i) {  // two changed tokens break 10 of 196 runs
    rows.push_back(rows[i]);
    rows.back()[50] = 1;
    rows.back()[150] = 2;
  }
  NearDuplicates near(0.8);
  std::size_t wrong = 0, missed = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool found = near.is_duplicate(rows[i]);
    (i < kRows ? wrong : missed) += found == (i < kRows);
  }
  EXPECT_EQ(wrong, 0U);
  EXPECT_LE(missed, 3U);
  NearDuplicates strict(0.99);
  std::size_t found = 0;
  for (const auto& row : rows) found += strict.is_duplicate(row);
  EXPECT_EQ(found, 0U);
  EXPECT_TRUE(strict.is_duplicate(rows[0]));
}

}  // namespace
}  // namespace axl::data
