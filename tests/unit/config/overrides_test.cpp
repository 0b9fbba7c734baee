#include "yaml_case.hpp"

namespace axl::config {
namespace {

LoadResult with(const std::vector<std::pair<std::string, std::string>>& overrides,
                const std::string& yaml = kMinimal) {
  LoadOptions options;
  options.overrides = overrides;
  return read(yaml, options);
}

TEST(Overrides, ReplaceAddAndRemove) {
  const LoadResult r = with({{"learning_rate", "1e-4"},
                             {"max_steps", "7"},
                             {"seed", "null"},
                             {"tokens", "[a, b]"},
                             {"special_tokens.pad_token", "<pad>"}},
                            kMinimal + "seed: 3\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_DOUBLE_EQ(r.config.learning_rate, 1e-4);
  EXPECT_EQ(r.config.max_steps, 7);
  EXPECT_EQ(r.config.seed, 42);
  EXPECT_EQ(r.config.tokens, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(r.config.special_tokens.at("pad_token"), "<pad>");
  EXPECT_EQ(r.config.at("learning_rate").file, "command line");
  EXPECT_EQ(r.config.at("learning_rate").line, 0);
}

TEST(Overrides, WordsOfTheCommandLineAreNames) {
  const LoadResult r = with({{"save_strategy", "no"}});
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(r.config.save_strategy, "no");
}

TEST(Overrides, DescendIntoLists) {
  const LoadResult r = with({{"datasets.0.path", "other.jsonl"},
                             {"datasets.1.path", "second.jsonl"},
                             {"datasets.1.type", "completion"}});
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(r.config.datasets.at(0).path, "other.jsonl");
  EXPECT_EQ(r.config.datasets.at(0).type, "alpaca");
  EXPECT_EQ(r.config.datasets.at(1).type, "completion");
}

TEST(Overrides, ErrorsNameTheCommandLine) {
  const Finding f = about(with({{"micro_batch_size", "two"}}).errors, "micro_batch_size");
  EXPECT_EQ(to_string(f),
            "command line: micro_batch_size: must be an integer from 1 to 1048576; got 'two'");
  EXPECT_EQ(about(with({{"learing_rate", "1"}}).errors, "learing_rate").hint,
            "did you mean 'learning_rate'?");
  EXPECT_EQ(about(with({{"datasets.5.path", "x"}}).errors, "datasets.5.path").message,
            "there is no entry 5; the list has 1");
  EXPECT_EQ(about(with({{"datasets.path", "x"}}).errors, "datasets.path").hint,
            "number the list's entries from 0");
  EXPECT_EQ(about(with({{"seed.x", "1"}}, kMinimal + "seed: 3\n").errors, "seed.x").message,
            "'x' names a key of a map, but here is '3'");
  EXPECT_FALSE(with({{"datasets.99999999999999999999.path", "x"}}).accepted());
}

TEST(Overrides, TextThatIsNotYamlIsTakenAsItIs) {
  EXPECT_EQ(with({{"output_dir", "a: b"}}).config.output_dir, "a: b");
  EXPECT_EQ(with({{"output_dir", "[x"}}).config.output_dir, "[x");
  EXPECT_EQ(with({{"output_dir", ""}}).config.output_dir, "./model-out");
}

TEST(Overrides, OldNamesWorkToo) {
  EXPECT_EQ(with({{"dataset_processes", "3"}}).config.dataset_num_proc, 3);
}

}  // namespace
}  // namespace axl::config
