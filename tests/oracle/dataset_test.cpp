// What Axolotl makes of real rows (rows.json) and of small made-up ones (strategies.json): tokens
// and labels id by id; and the batches of its own training run (axolotl/NAME/log.json).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>

#include "core/error.hpp"
#include "data/batch_plan.hpp"
#include "data/format.hpp"
#include "data/prepare.hpp"
#include "data/source.hpp"
#include "oracle_folder.hpp"
#include "support/paths.hpp"
#include "support/temporary_folder.hpp"

namespace axl::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// SmolLM2's tokenizer comes with the model: $AXL_SMOLLM2, else where the launch scripts put it.
std::string smollm2() {
  const char* named = std::getenv("AXL_SMOLLM2");
  const fs::path path = named != nullptr && *named != '\0'
                            ? fs::path(named)
                            : fs::path(test::source_dir()) / "models/SmolLM2-135M-Instruct";
  return fs::exists(path) ? path.string() : "";
}

void apply(const Json& extra, config::DatasetConfig& d) {
  bool eot = false;
  for (const auto& [key, value] : extra.items()) {
    if (key == "chat_template")
      value.get_to(d.chat_template);
    else if (key == "field")
      value.get_to(d.field);
    else if (key == "field_messages")
      value.get_to(d.field_messages);
    else if (key == "message_property_mappings")
      value.get_to(d.message_property_mappings);
    else if (key == "message_field_training")
      value.get_to(d.message_field_training);
    else if (key == "message_field_training_detail")
      value.get_to(d.message_field_training_detail);
    else if (key == "roles_to_train")
      value.get_to(d.roles_to_train);
    else if (key == "train_on_eos")
      value.get_to(d.train_on_eos);
    else if (key == "train_on_eot") {
      value.get_to(d.train_on_eot);
      eot = true;
    } else if (key == "split_thinking")
      value.get_to(d.split_thinking);
    else if (key == "drop_system_message")
      value.get_to(d.drop_system_message);
    else if (key == "conversation")
      value.get_to(d.conversation);
    else
      throw Error(ErrorCode::unsupported, "dataset key " + key);
  }
  if (!eot) d.train_on_eot = d.train_on_eos;
}

/// All samples of a file's first rows.
std::vector<Sample> convert(const config::DatasetConfig& dataset, const config::Config& config,
                            const tokenizer::Tokenizer& tokenizer, std::size_t first,
                            std::size_t count, std::int64_t sequence_len) {
  auto files = open_sources(dataset);
  RowList list;
  for (std::size_t f = 0; f < files.size(); ++f)
    find_rows(files[f], static_cast<std::uint32_t>(f), list);
  const RowConverter converter = make_converter(dataset, config, tokenizer, sequence_len, nullptr);
  std::vector<Sample> out;
  RowParser parser;
  for (std::size_t i = first; i < std::min(first + count, list.rows.size()); ++i) {
    try {
      converter(parser.parse(files[list.rows[i].file], list.rows[i]), out);
    } catch (const RowError& e) {
      throw Error(ErrorCode::data, "row " + std::to_string(i) + ": " + e.why);
    }
  }
  return out;
}

std::vector<TokenId> labels_of(const Json& row, const std::vector<TokenId>& ids) {
  if (row.contains("labels")) {
    auto labels = row["labels"].get<std::vector<TokenId>>();
    labels.resize(ids.size(), kIgnore);
    return labels;
  }
  std::vector<TokenId> labels(ids.size(), kIgnore);
  for (const Json& run : row["label_runs"])
    for (std::size_t i = 0; i < run[1].get<std::size_t>(); ++i)
      labels[run[0].get<std::size_t>() + i] = ids[run[0].get<std::size_t>() + i];
  return labels;
}

/// "" when equal, else where they first differ.
std::string compare(const std::vector<Sample>& ours, const Json& theirs) {
  if (ours.size() != theirs.size())
    return fmt::format("{} samples, expected {}", ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const auto ids = theirs[i]["input_ids"].get<std::vector<TokenId>>();
    const auto labels = labels_of(theirs[i], ids);
    if (ours[i].input_ids != ids) {
      const auto at =
          std::mismatch(ids.begin(), ids.end(), ours[i].input_ids.begin(), ours[i].input_ids.end());
      return fmt::format("sample {}: {} tokens, expected {}, first difference at {}", i,
                         ours[i].input_ids.size(), ids.size(), at.first - ids.begin());
    }
    if (ours[i].labels != labels) {
      const auto at = std::mismatch(labels.begin(), labels.end(), ours[i].labels.begin());
      return fmt::format("sample {}: label {} is {}, expected {} (token {})", i,
                         at.first - labels.begin(), *at.second, *at.first,
                         ids[static_cast<std::size_t>(at.first - labels.begin())]);
    }
  }
  return "";
}

class DatasetOracle : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(oracle::folder("dataset") / "rows.json"))
      GTEST_SKIP() << "no recorded datasets at " << oracle::folder("dataset");
    if (smollm2().empty())
      GTEST_SKIP() << "no SmolLM2 tokenizer: set AXL_SMOLLM2 to its folder or GGUF file";
  }
  fs::path data() const { return oracle::folder("dataset") / "../../data"; }

  void run(const std::string& name, config::DatasetConfig dataset, const Json& extra,
           std::size_t first, std::size_t count, std::int64_t sequence_len, bool train_on_inputs,
           const Json& expected) {
    static const tokenizer::Tokenizer tokenizer = tokenizer::Tokenizer::load(smollm2());
    config::Config config;
    config.train_on_inputs = train_on_inputs;
    config.sequence_len = sequence_len;
    try {
      apply(extra, dataset);
      auto ours = convert(dataset, config, tokenizer, first, count, sequence_len);
      // Of very long texts only the first `count` pieces were recorded.
      if (ours.size() > count && expected.size() == count) ours.resize(count);
      const std::string difference = compare(ours, expected);
      std::size_t tokens = 0;
      for (const Sample& s : ours) tokens += s.input_ids.size();
      fmt::print("{:42} {:5} samples {:7} tokens  {}\n", name, ours.size(), tokens,
                 difference.empty() ? "equal" : difference);
      EXPECT_EQ(difference, "") << name;
      ++compared_;
    } catch (const Error& e) {
      if (e.code() != ErrorCode::unsupported) {
        ADD_FAILURE() << name << ": " << e.what();
        return;
      }
      fmt::print("{:42} skipped: {}\n", name, e.message());
    }
  }
  int compared_ = 0;
};

TEST_F(DatasetOracle, RealRows) {
  const Json cases = oracle::read_json(oracle::folder("dataset") / "rows.json");
  test::TemporaryFolder scratch;
  for (const auto& [name, c] : cases.items()) {
    config::DatasetConfig dataset;
    dataset.type = c["type"].get<std::string>();
    const std::string file = c["file"].get<std::string>();
    const std::string plain = file.substr(0, file.find(' '));
    if (!fs::exists(data() / plain)) {
      fmt::print("{:42} skipped: no file {}\n", name, plain);
      continue;
    }
    dataset.path = (data() / plain).string();
    if (plain != file) {  // "(non-empty lines)"
      std::ifstream in(dataset.path);
      dataset.path = scratch.path(plain);
      std::ofstream out(dataset.path);
      for (std::string line; std::getline(in, line);)
        if (line.find_first_not_of(" \t\r") != std::string::npos) out << line << '\n';
    }
    run(name, dataset, c["extra"], c["first_row"].get<std::size_t>(), c["rows"].get<std::size_t>(),
        c["sequence_len"].get<std::int64_t>(), false, c["out"]);
  }
  EXPECT_GT(compared_, 0);
}

TEST_F(DatasetOracle, Strategies) {
  const Json cases = oracle::read_json(oracle::folder("dataset") / "strategies.json");
  test::TemporaryFolder scratch;
  for (const auto& [name, c] : cases.items()) {
    config::DatasetConfig dataset;
    if (c["type"].is_object())
      c["type"].get_to(dataset.user_defined);
    else
      dataset.type = c["type"].get<std::string>();
    dataset.path = scratch.path("rows.json");
    std::ofstream(dataset.path) << c["rows"].dump();
    // These were made with the shortest sequence_len that the completion case shows.
    std::int64_t sequence_len = c.value("sequence_len", std::int64_t{0});
    if (sequence_len == 0) {
      sequence_len = 2048;
      if (c["type"] == "completion") {
        std::size_t longest = 0;
        for (const Json& row : c["out"]) longest = std::max(longest, row["input_ids"].size());
        sequence_len = static_cast<std::int64_t>(longest);
      }
    }
    run(name, dataset, c["extra"], 0, 1000000, sequence_len,
        name.find("train_on_inputs") != std::string::npos, c["out"]);
  }
  EXPECT_GT(compared_, 0);
}

/// Axolotl's own run read its rows in file order; its log says how many tokens each step had.
TEST_F(DatasetOracle, BatchesOfAxolotlsRun) {
  const fs::path folder = oracle::folder("axolotl") / "alpaca_lora";
  if (!fs::exists(folder / "log.json") || !fs::exists(data() / "alpaca_en_demo.json"))
    GTEST_SKIP() << "no recorded run at " << folder;
  test::TemporaryFolder scratch;
  config::Config config;
  config::DatasetConfig dataset;
  dataset.path = (data() / "alpaca_en_demo.json").string();
  dataset.type = "alpaca";
  dataset.ds_type = "json";
  config.datasets = {dataset};
  config.shuffle_merged_datasets = false;
  config.curriculum_sampling = true;
  config.sequence_len = 512;
  config.dataset_prepared_path = scratch.path("prepared");
  const tokenizer::Tokenizer tokenizer = tokenizer::Tokenizer::load(smollm2());
  const PrepareResult prepared = prepare(config, tokenizer, {});
  const PreparedDataset rows = PreparedDataset::open(prepared.train_path);
  BatchPlan plan(rows.lengths(), {.micro_batch_size = 2,
                                  .gradient_accumulation_steps = 2,
                                  .sequence_len = 512,
                                  .sequential = true,
                                  .max_steps = 8});
  const Json log = oracle::read_json(folder / "log.json");
  std::int64_t trainable = 0, total = 0;
  for (std::size_t s = 0; s < log.size(); ++s) {
    const std::int64_t step = static_cast<std::int64_t>(s);
    trainable += plan.global_label_tokens(step, rows);
    for (std::int64_t m = 0; m < 2; ++m) {  // Axolotl counts the padding to the longest row
      std::int64_t longest = 0, count = 0;
      for (const std::int64_t row : plan.rows(step, 0, m)) {
        longest = std::max(longest, rows.length(row));
        ++count;
      }
      total += longest * count;
    }
    fmt::print("step {}: {} label tokens, Axolotl {}; {} tokens with padding, Axolotl {}\n", s + 1,
               trainable, log[s]["tokens/trainable"].get<std::int64_t>(), total,
               log[s]["tokens/total"].get<std::int64_t>());
    EXPECT_EQ(trainable, log[s]["tokens/trainable"].get<std::int64_t>());
    EXPECT_NEAR(plan.epoch_at(step + 1), log[s]["epoch"].get<double>(), 1e-9);
  }
}

}  // namespace
}  // namespace axl::data
