// What rows look like when nobody says it.
#include "data/detect.hpp"

#include "core/json.hpp"
#include "data/inputs.hpp"
#include "data/prepare.hpp"
#include "data/summary.hpp"
#include "format_fixture.hpp"

namespace axl::data {
namespace {

struct Guess {
  const char* row;
  const char* yaml;
  bool needs_rl = false;
};

/// GoogleTest would print the bytes, and those behind the last member have no value.
void PrintTo(const Guess& guess, std::ostream* out) { *out << guess.row; }

class Detect : public ::testing::TestWithParam<Guess> {};

TEST_P(Detect, NamesTheFormat) {
  const auto found = detect_format(
      ValueRow(axl::parse_json<nlohmann::ordered_json>(GetParam().row)), config::DatasetConfig());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->yaml, GetParam().yaml);
  EXPECT_EQ(found->needs_rl, GetParam().needs_rl);
  EXPECT_FALSE(found->why.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Detect,
    ::testing::Values(
        Guess{R"({"instruction": "a", "input": "", "output": "b"})", "type: alpaca"},
        Guess{R"({"instruction": "a", "response": "b"})", "type: gpteacher"},
        Guess{R"({"system": "s", "instruction": "a", "output": "b"})", "type: alpaca_w_system"},
        Guess{R"({"messages": [{"role": "user", "content": "a"}]})", "type: chat_template"},
        Guess{R"({"id": 1, "conversations": [{"from": "human", "value": "a"}]})",
              "type: chat_template, field_messages: conversations, message_property_mappings: "
              "{role: from, content: value}"},
        Guess{R"({"text": "abc", "meta": {}})", "type: completion"},
        Guess{R"({"content": "abc"})", "type: completion, field: content"},
        Guess{R"({"input_ids": [1], "attention_mask": [1], "labels": [1]})", "type: pretokenized"},
        Guess{R"({"segments": []})", "type: input_output"},
        Guess{R"({"prompt": "a", "completion": "b"})",
              "type: {field_instruction: prompt, field_output: completion}"},
        Guess{R"({"question": "a", "answer": "b"})", "type: alpaca_chat.load_qa"},
        Guess{R"({"prompt": "a", "completions": ["b"], "labels": [true]})",
              "type: stepwise_supervised"},
        Guess{R"({"prompt": "a", "chosen": "b", "rejected": "c"})", "type: chatml", true},
        Guess{R"({"messages": [{"role": "user", "content": "a"}], "label": true})",
              "type: chat_template", true}));

TEST(Detect, NothingFitsStrangeColumns) {
  EXPECT_FALSE(
      detect_format(ValueRow(axl::parse_json<nlohmann::ordered_json>(R"({"a": 1, "b": 2})")),
                    config::DatasetConfig()));
}

class WithoutType : public testing::FormatTest {
 protected:
  PrepareResult run(const std::string& rows) {
    dataset.path = folder.write("rows.jsonl", rows);
    config.datasets = {dataset};
    config.dataset_prepared_path = folder.path("prepared");
    return prepare(config, tokenizer, {});
  }
  std::string error_of(const std::string& rows) {
    try {
      run(rows);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(WithoutType, RowsAreReadAsWhatTheyLookLike) {
  const PrepareResult r = run("{\"instruction\": \"a\", \"output\": \"b\"}\n");
  EXPECT_EQ(r.reports.at(0).type, "alpaca");
  ASSERT_FALSE(r.warnings.empty());
  EXPECT_NE(r.warnings.front().find("so they are read as type: alpaca"), std::string::npos)
      << r.warnings.front();
}

TEST_F(WithoutType, StrangeRowsAndComparisonsAreRefusedWithTheWayOut) {
  EXPECT_NE(error_of("{\"a\": 1, \"b\": 2}\n").find("fit no known format"), std::string::npos);
  EXPECT_NE(error_of("{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n")
                .find("give rl: dpo"),
            std::string::npos);
}

TEST_F(WithoutType, AWrongTypeIsToldTheRightOne) {
  dataset.type = "alpaca";
  EXPECT_NE(error_of("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n")
                .find("they look like type: chat_template"),
            std::string::npos);
}

TEST(HistogramSvg, IsACompleteImage) {
  const std::string svg = histogram_svg({{1, 10, 3}, {11, 20, 0}}, "a < b");
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_NE(svg.find("1 to 10 tokens: 3 rows"), std::string::npos);
  EXPECT_EQ(svg.find("a < b"), std::string::npos);
}

}  // namespace
}  // namespace axl::data
