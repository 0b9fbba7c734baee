// Preference and reward rows: what the trainer will read, as text.
#include "data/preference.hpp"

#include "core/json.hpp"
#include "data/comparisons.hpp"
#include "format_fixture.hpp"

namespace axl::data {
namespace {

class PreferenceTest : public testing::FormatTest {
 protected:
  Comparison read(const std::string& type, const std::string& row) {
    dataset.type = type;
    return make_comparison_reader(dataset, config, tokenizer, &warnings)(
        ValueRow(axl::parse_json<nlohmann::ordered_json>(row)));
  }
  std::string refusal_of(const std::string& type, const std::string& row) {
    try {
      read(type, row);
    } catch (const RowError& e) {
      return e.why;
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(PreferenceTest, ChatTemplatePairs) {
  config.rl = "dpo";
  config.chat_template = "chatml";
  const Comparison c = read("chat_template.default",
                            R"({"messages": [{"role": "user", "content": "Hi"}],
                                "chosen": {"role": "assistant", "content": "Hello!"},
                                "rejected": [{"role": "assistant", "content": "Go away"}]})");
  EXPECT_TRUE(c.prompt.ends_with("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"))
      << c.prompt;
  EXPECT_EQ(c.chosen, "Hello!<|im_end|>");
  EXPECT_EQ(c.rejected, "Go away<|im_end|>");
}

TEST_F(PreferenceTest, ChatTemplateWithShareGptNamesAndPlainText) {
  config.rl = "ipo";
  config.chat_template = "chatml";
  dataset.field_messages = "conversations";
  dataset.message_property_mappings = {{"role", "from"}, {"content", "value"}};
  const Comparison c = read("chat_template",
                            R"({"conversations": [{"from": "human", "value": "2+2?"}],
                                "chosen": {"from": "gpt", "value": "4"}, "rejected": "5"})");
  EXPECT_NE(c.prompt.find("<|im_start|>user\n2+2?<|im_end|>"), std::string::npos);
  EXPECT_EQ(c.chosen, "4<|im_end|>");
  EXPECT_EQ(c.rejected, "5<|im_end|>");
}

TEST_F(PreferenceTest, WholeConversationsAndOrpo) {
  config.chat_template = "chatml";
  const std::string row = R"({"chosen": [{"role": "user", "content": "q"},
                                         {"role": "assistant", "content": "good"}],
                              "rejected": [{"role": "user", "content": "q"},
                                           {"role": "assistant", "content": "bad"}]})";
  config.rl = "dpo";
  const Comparison dpo = read("chat_template.argilla_chat", row);
  EXPECT_EQ(dpo.chosen, "good<|im_end|>");
  EXPECT_EQ(dpo.rejected, "bad<|im_end|>");
  EXPECT_TRUE(dpo.prompt.ends_with("<|im_start|>assistant\n"));
  config.rl = "orpo";
  const Comparison orpo = read("chat_template.argilla", row);
  EXPECT_EQ(orpo.prompt, dpo.prompt);
  EXPECT_EQ(orpo.chosen, "good<|im_end|>\n");
  EXPECT_EQ(orpo.rejected, "bad<|im_end|>\n");
}

TEST_F(PreferenceTest, OrpoTakesTheQuestionsOfChosen) {
  dataset.chat_template = "chatml";
  config.rl = "orpo";
  const std::string chosen = R"("chosen": [{"role": "user", "content": "q"},
      {"role": "x", "content": "a"}, {"role": "user", "content": "r"},
      {"role": "assistant", "content": "good"}])";
  const std::string rejected =
      R"("rejected": [{"role": "user", "content": "other"}, {"role": "y", "content": "bad"}])";
  const Comparison c = read("chat_template.argilla", "{" + chosen + ", " + rejected + "}");
  EXPECT_EQ(c.prompt,
            "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
            "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(c.chosen, "good<|im_end|>\n");
  EXPECT_EQ(c.rejected, "bad<|im_end|>\n");
  const Comparison asked =
      read("chat_template.argilla", "{\"prompt\": \"p\", " + chosen + ", " + rejected + "}");
  EXPECT_NE(asked.prompt.find("user\np<|im_end|>\n<|im_start|>assistant\na"), std::string::npos);
}

TEST_F(PreferenceTest, KtoConversationsKeepEveryTurn) {
  config.rl = "kto";
  const Comparison c = read("llama3.argilla_chat", R"({"label": true, "completion": [
      {"role": "system", "content": "s"}, {"role": "user", "content": "q"},
      {"role": "assistant", "content": "a"}]})");
  EXPECT_EQ(c.prompt,
            "<|start_header_id|>system<|end_header_id|>\n\ns<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_EQ(c.chosen, "a<|eot_id|>");
}

TEST_F(PreferenceTest, ASystemColumnIsForSomeTypesOnly) {
  dataset.chat_template = "chatml";
  config.rl = "dpo";
  const Comparison dpo = read("chat_template", R"({"system": "s",
      "messages": [{"role": "user", "content": "q"}], "chosen": "a", "rejected": "b"})");
  EXPECT_EQ(dpo.prompt.find("system\ns"), std::string::npos);
  config.rl.clear();
  const Comparison reward = read("bradley_terry.chat_template",
                                 R"({"system": "", "input": "q", "chosen": "a", "rejected": "b"})");
  EXPECT_TRUE(reward.chosen.starts_with("<|im_start|>system\n<|im_end|>\n")) << reward.chosen;
}

TEST_F(PreferenceTest, FramedColumns) {
  config.rl = "dpo";
  const std::string chatml =
      "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n";
  const std::string row = R"({"system": "s", "question": "q", "chosen": "a", "rejected": "b"})";
  for (const char* type : {"chatml", "chatml.default", "chatml.intel"}) {
    const Comparison c = read(type, row);
    EXPECT_EQ(c.prompt, chatml) << type;
    EXPECT_EQ(c.chosen, "a<|im_end|>");
    EXPECT_EQ(c.rejected, "b<|im_end|>");
  }
  const Comparison llama = read("llama3.intel", row);
  EXPECT_EQ(llama.prompt,
            "<|start_header_id|>system<|end_header_id|>\n\ns<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_EQ(llama.chosen, "a<|eot_id|>");
  EXPECT_EQ(read("chatml.icr", R"({"input": "i", "chosen": "a", "rejected": "b"})").prompt,
            "<|im_start|>user\ni<|im_end|>\n<|im_start|>assistant\n");
  const Comparison ultra = read("chatml.ultra",
                                R"({"prompt": "p", "chosen": [{"content": "p"}, {"content": "a"}],
                                    "rejected": [{"content": "p"}, {"content": "b"}]})");
  EXPECT_EQ(ultra.chosen, "a<|im_end|>");
  EXPECT_EQ(ultra.rejected, "b<|im_end|>");
  const Comparison argilla =
      read("chatml.argilla",
           R"({"instruction": "p", "chosen_response": "a", "rejected_response": "b"})");
  EXPECT_EQ(argilla.rejected, "b<|im_end|>");
}

TEST_F(PreferenceTest, NectarTakesTheHighestRankAndSaysSo) {
  config.rl = "dpo";
  const Comparison c = read("zephyr.nectar", R"({"prompt": "p", "answers": [
      {"answer": "two", "rank": 2}, {"answer": "three", "rank": 3}, {"answer": "one", "rank": 1}]})");
  EXPECT_EQ(c.prompt, "<|system|>\n</s>\n<|user|>\np</s>\n<|assistant|>\n");
  EXPECT_EQ(c.chosen, "three");
  EXPECT_EQ(c.rejected, "two");
  ASSERT_EQ(warnings.size(), 1U);
}

TEST_F(PreferenceTest, KtoRows) {
  config.rl = "kto";
  config.chat_template = "chatml";
  const Comparison framed =
      read("llama3.ultra", R"({"prompt": "p", "completion": "c", "label": false})");
  EXPECT_EQ(framed.chosen, "c<|eot_id|>");
  EXPECT_EQ(framed.desirable, false);
  const Comparison chat = read("chat_template", R"({"label": true, "messages": [
      {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})");
  EXPECT_EQ(chat.chosen, "a<|im_end|>");
  EXPECT_EQ(chat.desirable, true);
  EXPECT_NE(refusal_of("chatml.intel", R"({"question": "p", "completion": "c", "label": "yes"})")
                .find("'label' is not true or false"),
            std::string::npos);
}

TEST_F(PreferenceTest, UserMapAndFinalColumns) {
  config.rl = "dpo";
  EXPECT_EQ(read("", R"({"prompt": "p", "chosen": "a", "rejected": "b"})").prompt, "p");
  dataset.user_defined = {{"field_prompt", "q"},
                          {"prompt_format", "Q: {prompt}\nA:"},
                          {"chosen_format", " {chosen}</s>"}};
  const Comparison c = read("user_defined", R"({"q": "x", "chosen": "a", "rejected": "b"})");
  EXPECT_EQ(c.prompt, "Q: x\nA:");
  EXPECT_EQ(c.chosen, " a</s>");
  EXPECT_EQ(c.rejected, "b");
}

TEST_F(PreferenceTest, StepsCarryTheirLabelOnTheLastToken) {
  dataset.step_separator = "\n";
  const Comparison c =
      read("stepwise_supervised",
           R"({"prompt": "p", "completions": ["ab", "c"], "labels": [true, false]})");
  ASSERT_EQ(c.steps.size(), 2U);
  const Sample s = stepwise_tokens(c, dataset, tokenizer, 100);
  ASSERT_EQ(s.input_ids.size(), s.labels.size());
  std::vector<TokenId> labels;
  for (const TokenId label : s.labels)
    if (label != kIgnore) labels.push_back(label);
  EXPECT_EQ(labels, (std::vector<TokenId>{1, 0}));
  EXPECT_EQ(s.labels.back(), 0);
  EXPECT_NE(
      refusal_of("stepwise_supervised", R"({"prompt": "p", "completions": ["a"], "labels": []})")
          .find("1 completions and 0 labels"),
      std::string::npos);
  EXPECT_NE(refusal_of("bradley_terry.chat_template", R"({"input": "q", "chosen": "a"})"), "");
}

TEST_F(PreferenceTest, UnknownTypesNameTheKnownOnes) {
  config.rl = "dpo";
  EXPECT_NE(refusal_of("chatml.intl", "{}").find("did you mean 'chatml.intel'?"),
            std::string::npos);
}

TEST_F(PreferenceTest, ReadingCountsAndShows) {
  config.rl = "dpo";
  config.sequence_len = 100;
  dataset.type = "chatml";
  dataset.path = folder.write(
      "pairs.jsonl",
      "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\"}\n{\"prompt\": \"p\"}\n"
      "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"a\"}\n"
      "{\"prompt\": \"" +
          std::string(200, 'x') + "\", \"chosen\": \"a\", \"rejected\": \"b\"}\n");
  config.datasets = {dataset};
  EXPECT_TRUE(has_comparisons(config));
  const ComparisonResult r = read_comparisons(config, tokenizer, 0, 1);
  ASSERT_EQ(r.reports.size(), 1U);
  EXPECT_EQ(r.reports[0].rows_read, 4);
  EXPECT_EQ(r.reports[0].rows_kept, 2);
  EXPECT_EQ(r.reports[0].dropped_broken, 1);
  EXPECT_EQ(r.reports[0].dropped_too_long, 1);
  EXPECT_EQ(r.reports[0].identical, 1);
  EXPECT_EQ(r.shown.size(), 1U);
  EXPECT_EQ(r.warnings.size(), 1U);
  config.excess_length_strategy = "raise";
  EXPECT_THROW(read_comparisons(config, tokenizer, 0, 1), Error);
}

}  // namespace
}  // namespace axl::data
