
#include "core/json.hpp"
#include "data/prompt_layout.hpp"
#include "format_fixture.hpp"

namespace axl::data {
namespace {

using Formats = testing::FormatTest;

constexpr const char* kTask =
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.";
constexpr const char* kShort =
    "Below is an instruction that describes a task. Write a response that appropriately completes "
    "the request.";
constexpr const char* kFull = R"({"instruction": "I", "input": "N", "output": "O"})";
constexpr const char* kPlain = R"({"instruction": "I", "input": "", "output": "O"})";

TEST_F(Formats, AlpacaWithAndWithoutInput) {
  dataset.type = "alpaca";
  EXPECT_EQ(shown(kFull), std::string(kTask) +
                              "\n\n### Instruction:\nI\n\n### Input:\nN\n\n"
                              "### Response:\n«O<|im_end|>»");
  EXPECT_EQ(shown(kPlain),
            std::string(kShort) + "\n\n### Instruction:\nI\n\n### Response:\n«O<|im_end|>»");
  EXPECT_EQ(shown(R"({"instruction": "I", "output": "O"})"), shown(kPlain));
  EXPECT_EQ(shown(R"({"instruction": "I", "input": null, "output": "O"})"), shown(kPlain));
  dataset.type = "alpaca:instruct";
  EXPECT_NE(shown(kPlain).find("### Instruction:\nI"), std::string::npos);
}

TEST_F(Formats, AlpacaStyles) {
  dataset.type = "alpaca:chat";
  EXPECT_EQ(shown(kFull),
            "SYSTEM: " + std::string(kTask) + "\nUSER: I\nN\nASSISTANT:«O<|im_end|>»");
  dataset.type = "alpaca:chatml";
  EXPECT_EQ(shown(kPlain), "<|im_start|>system\n" + std::string(kShort) +
                               "<|im_end|>\n<|im_start|>user\nI<|im_end|>\n"
                               "<|im_start|>assistant\n«O<|im_end|>»");
  dataset.type = "alpaca:phi";
  EXPECT_EQ(shown(kFull), "<|system|>\n" + std::string(kTask) +
                              "<|end|>\n<|user|>\nI<|end|>N<|assistant|>«O<|im_end|>»");
  EXPECT_EQ(shown(kPlain), "<|system|>\n" + std::string(kShort) +
                               "<|end|>\n<|user|>\nI<|end|>\n<|assistant|>\n«O<|im_end|>»");
}

TEST_F(Formats, AlpacaChatVariants) {
  dataset.type = "alpaca_chat";
  EXPECT_EQ(shown(kPlain), "SYSTEM: " + std::string(kShort) + "\nUSER: I\nASSISTANT:«O<|im_end|>»");
  dataset.conversation = "instruct";
  EXPECT_NE(shown(kPlain).find("### Instruction:\nI"), std::string::npos);
  dataset.conversation.clear();
  dataset.type = "alpaca_chat.load_no_prompt";
  EXPECT_EQ(shown(kFull), "USER: I\nN\nASSISTANT:«O<|im_end|>»");
  dataset.type = "alpaca_chat.load_qa";
  const std::string qa = shown(R"({"question": "Q", "answer": "A"})");
  EXPECT_TRUE(qa.starts_with("SYSTEM: Below is an instruction from a USER"));
  EXPECT_TRUE(qa.ends_with("request.\n\n\nUSER: Q\nASSISTANT:«A<|im_end|>»")) << qa;
  dataset.type = "alpaca_chat.load_camel_ai";
  EXPECT_TRUE(shown(R"({"message_1": "Q", "message_2": "A"})")
                  .ends_with("USER: Q\nASSISTANT:«A<|im_end|>»"));
  dataset.type = "alpaca_instruct.load_no_prompt";
  EXPECT_EQ(shown(kPlain), "### Instruction:\nI\n\n### Response:\n«O<|im_end|>»");
}

TEST_F(Formats, SystemColumn) {
  const std::string row = R"({"system": "S", "instruction": "I", "input": "N", "output": "O"})";
  dataset.type = "alpaca_w_system.load";
  EXPECT_EQ(shown(row), "SYSTEM: S\nUSER: I\nN\nASSISTANT:«O<|im_end|>»");
  EXPECT_EQ(shown(R"({"system": "", "instruction": "I", "output": "O"})"),
            "USER: I\nASSISTANT:«O<|im_end|>»");
  dataset.type = "alpaca_w_system.load_instruct";
  EXPECT_TRUE(shown(row).starts_with("S\n\n### Instruction:\nI"));
  const std::string orca = R"({"system_prompt": "S", "question": "Q", "response": "R"})";
  dataset.type = "alpaca_w_system.load_open_orca";
  EXPECT_EQ(shown(orca), "### System:\nS\n### Human:\nQ\n### Assistant:\n«R<|im_end|>»");
  dataset.type = "orcamini";
  EXPECT_EQ(shown(orca), "### System:\nS\n\n### User:\nQ\n\n### Response:\n«R<|im_end|>»");
}

TEST_F(Formats, ResponseThatEndsInEosGetsNoSecondOne) {
  dataset.type = "alpaca";
  const auto all = samples(R"({"instruction": "I", "output": "O<|im_end|>"})");
  EXPECT_TRUE(show(all[0]).ends_with("«O<|im_end|>»"));
  EXPECT_FALSE(show(all[0]).ends_with("<|im_end|><|im_end|>»"));
}

TEST_F(Formats, PartsAreCutToSequenceLen) {
  dataset.type = "alpaca";
  config.sequence_len = 10;
  const auto all = samples(R"({"instruction": "I", "output": "0123456789abc"})");
  // The prompt keeps its first ten tokens, the answer too: no EOS fits behind it.
  ASSERT_EQ(all[0].input_ids.size(), 20U);
  EXPECT_TRUE(show(all[0]).ends_with("«0123456789»"));
}

TEST_F(Formats, EmptyAnswerHasNoLabels) {
  dataset.type = "alpaca";
  const auto all = samples(R"({"instruction": "I", "output": ""})");
  EXPECT_TRUE(std::all_of(all[0].labels.begin(), all[0].labels.end(),
                          [](TokenId t) { return t == kIgnore; }));
}

TEST_F(Formats, TrainOnInputsLabelsEverything) {
  dataset.type = "alpaca_chat.load_no_prompt";
  config.train_on_inputs = true;
  EXPECT_EQ(shown(kFull), "«USER: I\nN\nASSISTANT:O<|im_end|>»");
}

TEST_F(Formats, QuestionsAndTheRest) {
  dataset.type = "context_qa.load_v2";
  EXPECT_EQ(shown(R"({"context": "C", "question": "Q", "answer": "A"})"),
            "Context: C\nQuestion: Q\n«Answer: A<|im_end|>»");
  dataset.type = "concisechoice";
  EXPECT_EQ(shown(R"({"question": "Q", "choices": ["x", "y"], "solution": "s"})"),
            "Choose the answer that best answers the question. Be concise in your response.\n\n"
            "USER: Q\n- \"x\"\n- \"y\"\nASSISTANT:«s<|im_end|>»");
  dataset.type = "summarizetldr:instruct";  // a style changes nothing, as in Axolotl
  EXPECT_EQ(shown(R"({"article": "A", "summary": "s"})"),
            "USER: Summarize the following article as a TL;DR.\nA\nASSISTANT:«s<|im_end|>»");
  dataset.type = "metharme";
  EXPECT_EQ(shown(R"({"prompt": "P", "generation": "G"})"), "P«G<|im_end|><|im_end|><|im_end|>»");
  dataset.type = "pygmalion";
  EXPECT_EQ(shown(R"({"conversations": [{"role": "system", "value": "s\n<START>"}, )"
                  R"({"role": "human", "value": " h "}, {"role": "bot", "value": "b"}]})"),
            "<|system|>Persona: s<|user|> h<|model|>« b<|im_end|>»");
  dataset.type = "reflection";
  EXPECT_EQ(shown(R"({"instruction": "i", "input": "n", "output": "o", "reflection": "r", )"
                  R"("corrected": "c"})"),
            "### Instruction:\ni\n\n### Input:\nn\n\n### Response:\n«### Thought:\no\n\n"
            "### Agent Reflection:\nr\n\n### Final Response:\nc<|im_end|>»");
}

TEST_F(Formats, CompletionIsCutIntoPieces) {
  dataset.type = "completion";
  config.sequence_len = 5;
  const auto all = samples(R"({"text": "0123456789abcd"})");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(show(all[0]), "«01234»");
  EXPECT_EQ(show(all[1]), "«56789»");
  EXPECT_EQ(show(all[2]), "«abcd<|im_end|>»");
  dataset.field = "body";
  EXPECT_EQ(show(samples(R"({"body": "xy"})")[0]), "«xy<|im_end|>»");
  EXPECT_NE(refusal(R"({"text": "xy"})").find("no column 'body'; columns found: text"),
            std::string::npos);
}

TEST_F(Formats, SegmentsCarryTheirOwnLabels) {
  dataset.type = "input_output";
  EXPECT_EQ(shown(R"({"segments": [{"label": false, "text": "<s>p "}, )"
                  R"({"label": true, "text": "learn</s>"}]})"),
            "<s>p «learn</s>»");
  EXPECT_NE(refusal(R"({"segments": [{"text": "x"}]})").find("a segment is not"),
            std::string::npos);
}

TEST_F(Formats, UserDefinedFrame) {
  dataset.user_defined = {{"field_instruction", "q"},
                          {"field_input", "ctx"},
                          {"field_output", "a"},
                          {"system_prompt", "SYS"},
                          {"system_format", "<{system}>"},
                          {"format", "[INST] {instruction} {input} [/INST]"},
                          {"no_input_format", "[INST] {instruction} {{x}} [/INST]"}};
  EXPECT_EQ(shown(R"({"q": "Q", "ctx": "C", "a": "A"})"), "<SYS>[INST] Q C [/INST]«A<|im_end|>»");
  EXPECT_EQ(shown(R"({"q": "Q", "a": "A"})"), "<SYS>[INST] Q {x} [/INST]«A<|im_end|>»");
  dataset.user_defined["no_input_format"] = "{instruction} {input}";
  EXPECT_NE(refusal(kPlain).find("no_input_format must not contain {input}"), std::string::npos);
}

TEST_F(Formats, FinishedTokensAreTakenAsTheyAre) {
  dataset.type = "pretokenized";
  const auto all =
      samples(R"({"input_ids": [5, 6, 7], "labels": [-100, 6, 7], "attention_mask": [1, 1, 1]})");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].input_ids, (std::vector<TokenId>{5, 6, 7}));
  EXPECT_EQ(all[0].labels, (std::vector<TokenId>{kIgnore, 6, 7}));
  const auto padded = samples(
      R"({"input_ids": [0, 5, 6, 0], "labels": [-100, -100, 6, -100], "attention_mask": [0, 1, 1, 0]})");
  EXPECT_EQ(padded[0].input_ids, (std::vector<TokenId>{5, 6})) << "nobody sees the padding";
  EXPECT_EQ(padded[0].labels, (std::vector<TokenId>{kIgnore, 6}));
  EXPECT_NE(refusal(R"({"input_ids": [5, 6, 7], "labels": [5, 6, 7], "attention_mask": [1, 0, 1]})")
                .find("between others"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"input_ids": [5, 999999], "labels": [5, 6]})").find("not a token id"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"input_ids": [5, 6], "labels": [5]})").find("differ in length"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"input_ids": [5, 6], "labels": [5, -7]})").find("neither -100"),
            std::string::npos);
  const auto others =
      samples(R"({"input_ids": [5, 6], "labels": [-100, 9], "attention_mask": [1, 1]})");
  EXPECT_EQ(others[0].labels, (std::vector<TokenId>{kIgnore, 9})) << "trained as they are";
}

TEST_F(Formats, UnknownTypesAreNamed) {
  dataset.type = "alpca";
  EXPECT_NE(refusal(kPlain).find("did you mean 'alpaca'"), std::string::npos);
  dataset.type = "alpaca:poem";
  EXPECT_NE(refusal(kPlain).find("instruct, chat, chatml, phi"), std::string::npos);
  dataset.type = "alpaca_chat:load_qa";
  EXPECT_NE(refusal(kPlain).find("alpaca_chat.load_qa"), std::string::npos);
  dataset.type = "bradley_terry.chat_template";
  EXPECT_NE(refusal(kPlain).find("not trained yet"), std::string::npos);
  dataset.type = "completion:chat";
  EXPECT_NE(refusal(kPlain).find("has no styles"), std::string::npos);
  dataset.type.clear();
  EXPECT_NE(refusal(kPlain).find("has no type"), std::string::npos);
}

TEST_F(Formats, EveryWindowOfPretrainingBeginsWithBos) {
  using testing::read_bytes;
  const std::string from = test::source_dir() + "/tests/fixtures/data/";
  auto j = parse_json<nlohmann::json>(read_bytes(from + "tokenizer.json"));
  const auto token = [](const char* kind, const char* id) {
    return nlohmann::json{{kind, {{"id", id}, {"type_id", 0}}}};
  };
  j["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {token("SpecialToken", "<s>"), token("Sequence", "A")}},
      {"pair", {token("Sequence", "A"), token("Sequence", "B")}},
      {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {265}}, {"tokens", {"<s>"}}}}}}};
  folder.write("bos/tokenizer.json", json_text(j));
  folder.write("bos/tokenizer_config.json",
               R"({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>",
                   "eos_token": "<|im_end|>"})");
  tokenizer = tokenizer::Tokenizer::load(folder.path("bos"));
  dataset.type = "pretrain";
  config.sequence_len = 8;
  // Eight tokens: BOS, six of the text, of which three are the last window's, EOS.
  std::vector<std::string> windows;
  for (const Sample& s : samples(R"({"text": "abcdefghijk"})")) windows.push_back(show(s));
  EXPECT_EQ(windows, (std::vector<std::string>{"«<s>abcdef<|im_end|>»", "«<s>defghi<|im_end|>»",
                                               "«<s>ghijk<|im_end|>»"}));
}

TEST_F(Formats, BrokenRowsSayWhy) {
  dataset.type = "alpaca";
  EXPECT_NE(refusal(R"({"instruction": "I", "response": "O"})")
                .find("no column 'output'; columns found: instruction, response"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"instruction": {"a": 1}, "output": "O"})").find("holds an object"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"instruction": null, "output": "O"})").find("is null"), std::string::npos);
  EXPECT_NE(refusal(R"({"instruction": "I")").find("invalid JSON"), std::string::npos);
  EXPECT_NE(refusal("17").find("not an object"), std::string::npos);
  EXPECT_EQ(refusal(R"({"instruction": 5, "output": true})"), "");
}

/// As Axolotl 0.19's LLama2ChatTokenizingStrategy frames and trains; its own tokens were compared
/// on a Llama-like vocabulary.
TEST_F(Formats, Llama2ChatIsFramedAsAxolotlDoes) {
  dataset.type = "llama2_chat";
  const std::string bos = tokenizer.token_text("bos_token");
  EXPECT_EQ(shown(R"({"conversations": [{"from": "system", "value": "S"},
                      {"from": "human", "value": " hi "}, {"from": "gpt", "value": "hello "},
                      {"from": "human", "value": "more"}, {"from": "gpt", "value": "yes"},
                      {"from": "human", "value": "unanswered"}]})"),
            "[INST] <<SYS>>\nS\n<</SYS>>\n\nhi[/INST]« hello <|im_end|>»" + bos +
                "[INST] more [/INST]« yes <|im_end|>" + bos + "»");
  EXPECT_TRUE(
      shown(R"({"conversations": [{"from": "human", "value": "hi"},
                        {"from": "gpt", "value": "hello"}]})")
          .starts_with("[INST] <<SYS>>\nYou are a helpful, respectful and honest assistant."));
  EXPECT_NE(refusal(R"({"conversations": [{"from": "human", "value": "hi"}]})").find("no question"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"conversations": [{"from": "human", "value": "a"},
                        {"from": "human", "value": "b"}]})")
                .find("by turns"),
            std::string::npos);
}

TEST_F(Formats, UserDefinedFramesAreFormatStrings) {
  dataset.user_defined = {{"format", "{instruction:>3}|{input!r:>5}"}};
  EXPECT_EQ(shown(kFull), "  I|  'N'«O<|im_end|>»");
  dataset.user_defined["format"] = "{instruction[0]}{input:-^5}{{}}";
  EXPECT_EQ(shown(kFull), "I--N--{}«O<|im_end|>»");
  EXPECT_NE(refusal(R"({"instruction": "", "input": "N", "output": "O"})").find("behind the end"),
            std::string::npos);
  for (const auto& [format, why] : std::vector<std::pair<std::string, std::string>>{
           {"{question}", "format: {question} is no field; the fields are {instruction}, {input}"},
           {"{\"q\": \"{instruction}\"}", "is no field"},
           {"{instruction", "a single '{'"},
           {"a } b", "a single '}'"},
           {"{input!x}", "unknown conversion '!x'"},
           {"{input:d}", "Unknown format code 'd'"},
           {"{input.upper}", "asks for '.upper' of a text"},
           {"{}", "{} is no field"}}) {
    dataset.user_defined["format"] = format;
    EXPECT_NE(refusal(kFull).find(why), std::string::npos) << format << ": " << refusal(kFull);
  }
}

TEST(Fill, IsPythonsFormat) {
  EXPECT_EQ(fill("{a}{b}{{a}}", {{"a", "{b}"}, {"b", "2"}}), "{b}2{a}");
  EXPECT_EQ(fill("{a!r}|{a!s:>4}|{a!a}|{a:^5}|{a:.1}|{a:*<4s}", {{"a", "\xC3\xA9'"}}),
            "\"\xC3\xA9'\"|  \xC3\xA9'|\"\\xe9'\"| \xC3\xA9'  |\xC3\xA9|\xC3\xA9'**");
  EXPECT_EQ(layout_problem("{a} {a!r:>9}", {"a"}), "");
  EXPECT_NE(layout_problem("{a} {b}", {"a"}).find("{b} is no field; the fields are {a}"),
            std::string::npos);
}

}  // namespace
}  // namespace axl::data
