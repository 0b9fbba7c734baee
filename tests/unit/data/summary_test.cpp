#include "data/summary.hpp"

#include "data/plan_options.hpp"
#include "data/prepared_file.hpp"
#include "format_fixture.hpp"

namespace axl::data {
namespace {

class Summary : public testing::FormatTest {
 protected:
  PreparedDataset rows(const std::vector<Sample>& samples) {
    TokenStore store;
    for (const Sample& s : samples) store.add(s);
    std::vector<PreparedRow> prepared;
    for (const StoredRow& row : store.rows) prepared.push_back(store.row(row));
    write_prepared_file(folder.path("rows"), prepared, 1);
    return PreparedDataset::open(folder.path("rows"));
  }
};

TEST_F(Summary, HistogramCountsEveryRow) {
  std::vector<Sample> samples;
  for (std::size_t n : {1, 4, 5, 10, 10}) {
    Sample s;
    s.input_ids.assign(n, 65);
    s.labels = s.input_ids;
    samples.push_back(std::move(s));
  }
  const PreparedDataset d = rows(samples);
  const auto classes = length_histogram(d, 10, 3);
  ASSERT_EQ(classes.size(), 3U);
  EXPECT_EQ(classes[0].from, 1);
  EXPECT_EQ(classes[0].to, 4);
  EXPECT_EQ(classes[0].rows, 2);
  EXPECT_EQ(classes[1].rows, 1);
  EXPECT_EQ(classes[2].to, 10);
  EXPECT_EQ(classes[2].rows, 2);
  EXPECT_TRUE(length_histogram(d, 0, 3).empty());
}

TEST_F(Summary, MaskedTextIsCutWhereTheMaskChanges) {
  Sample s;
  s.input_ids = {'a', 'b', 'c', 'd'};
  s.labels = {kIgnore, 'b', 'c', kIgnore};
  const PreparedDataset d = rows({s});
  const auto pieces = masked_text(d.row(0), tokenizer);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[0].text, "a");
  EXPECT_FALSE(pieces[0].trained);
  EXPECT_EQ(pieces[1].text, "bc");
  EXPECT_TRUE(pieces[1].trained);
  EXPECT_EQ(pieces[2].text, "d");
}

TEST_F(Summary, ReportNamesWhyRowsAreMissing) {
  DatasetReport r;
  r.path = "rows.json";
  r.type = "alpaca";
  r.rows_read = 10;
  r.rows_kept = 7;
  r.dropped_broken = 1;
  r.dropped_too_long = 2;
  r.tokens = 100;
  r.label_tokens = 25;
  r.examples = {"rows.json:3: invalid JSON"};
  std::string text;
  for (const std::string& line : report_lines(r)) text += line + "\n";
  EXPECT_NE(text.find("10 read, 7 samples kept; dropped: 1 broken, 2 too long"), std::string::npos)
      << text;
  r.dropped_empty = 3;
  r.truncated = 2;
  r.lost_tokens = 77;
  EXPECT_EQ(losses(r),
            "; dropped: 1 broken, 2 too long, 3 without text; 2 truncated, 77 tokens cut off");
  EXPECT_EQ(losses(DatasetReport{}), "");
  EXPECT_NE(text.find("25 (25.0 %)"), std::string::npos) << text;
  EXPECT_NE(text.find("rows.json:3: invalid JSON"), std::string::npos) << text;
}

TEST_F(Summary, PlanOptionsFollowTheConfiguration) {
  config.micro_batch_size = 3;
  config.gradient_accumulation_steps = 5;
  config.sample_packing = true;
  config.sample_packing_sequentially = true;
  config.max_steps = 9;
  const BatchPlanOptions o = train_plan_options(config, 4);
  EXPECT_EQ(o.micro_batch_size, 3);
  EXPECT_EQ(o.gradient_accumulation_steps, 5);
  EXPECT_EQ(o.world_size, 4);
  EXPECT_TRUE(o.sequential);
  EXPECT_EQ(o.max_steps, 9);
  config.eval_batch_size = 7;
  config.eval_sequence_len = 99;
  config.eval_sample_packing = false;
  const BatchPlanOptions e = eval_plan_options(config, 4);
  EXPECT_EQ(e.micro_batch_size, 7);
  EXPECT_EQ(e.gradient_accumulation_steps, 1);
  EXPECT_EQ(e.sequence_len, config.sequence_len) << "rows held out are as long as trained ones";
  config.test_datasets.emplace_back();
  EXPECT_EQ(eval_plan_options(config, 4).sequence_len, 99);
  EXPECT_FALSE(e.sample_packing);
  EXPECT_EQ(e.max_steps, -1);
}

}  // namespace
}  // namespace axl::data
