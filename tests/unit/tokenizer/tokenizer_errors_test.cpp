// Hostile and broken files: one clear Error{input} that names the file.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "scratch.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

Json pair(const char* left, const char* right) { return Json::array({left, right}); }

Json tiny() {
  return {{"added_tokens", Json::array()},
          {"model",
           {{"type", "BPE"},
            {"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}}},
            {"merges", Json::array({pair("a", "b")})}}}};
}

std::string refusal(const std::string& text) {
  const test::Scratch s;
  const std::string file = s.write("tokenizer.json", text);
  try {
    Tokenizer::load(file);
    return "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::input) << e.what();
    EXPECT_NE(std::string(e.what()).find(s.folder()), std::string::npos) << e.what();
    return std::string(e.message()) + " " + e.hint();
  }
}

void expect(const std::string& text, const std::string& words) {
  const std::string got = refusal(text);
  EXPECT_NE(got.find(words), std::string::npos) << got;
}

template <class Change>
void expect_changed(const Change& change, const std::string& words) {
  Json t = tiny();
  change(t);
  expect(t.dump(), words);
}

TEST(TokenizerErrors, TinyIsAccepted) { EXPECT_EQ(refusal(tiny().dump()), "accepted"); }

TEST(TokenizerErrors, BrokenJson) {
  expect("", "not valid JSON");
  expect("{\"model\": ", "not valid JSON");
  expect(std::string(100000, '['), "not valid JSON");
  expect("[]", "no 'model'");
  expect("{}", "no 'model'");
  expect("\xFF\xFE", "is UTF-16 (little-endian) text");
  expect("\xFFx", "not UTF-8: byte 0xFF at column 1");
}

TEST(TokenizerErrors, OtherModels) {
  expect_changed([](Json& t) { t["model"]["type"] = "Magic"; }, "'Magic' is not supported");
  expect_changed([](Json& t) { t["model"] = 5; }, "'model' must be an object");
  expect_changed([](Json& t) { t["model"]["type"] = "Unigram"; }, "a list of [token, score] pairs");
}

TEST(TokenizerErrors, BadUnigrams) {
  const auto model = [](Json value) { return [value](Json& t) { t["model"] = value; }; };
  const Json vocab = Json::array({Json::array({"a", -1.5})});
  expect_changed(model({{"type", "Unigram"}, {"vocab", vocab}, {"unk_id", 1}}), "'unk_id' is 1");
  expect_changed(model({{"type", "Unigram"}, {"vocab", vocab}, {"unk_id", -3}}), "'unk_id' is -1");
  expect_changed(model({{"type", "Unigram"}, {"vocab", Json::array({1})}}), "item 0 of 'vocab'");
  const test::Scratch s;
  Json t = tiny();
  t["model"] = {{"type", "Unigram"}, {"vocab", vocab}};
  const Tokenizer known = Tokenizer::load(s.write("tokenizer.json", t.dump()));
  EXPECT_EQ(known.encode("aa", false), (std::vector<TokenId>{0, 0}));
  EXPECT_THROW(known.encode("ab", false), Error);
}

TEST(TokenizerErrors, BadWordPieces) {
  const auto set = [](const char* key, Json value) {
    return [key, value](Json& t) {
      t["model"]["type"] = "WordPiece";
      t["model"][key] = value;
    };
  };
  expect_changed(set("max_input_chars_per_word", -1), "must not be negative");
  expect_changed(set("max_input_chars_per_word", "x"), "must be an integer");
  const test::Scratch s;
  for (const char* type : {"WordPiece", "WordLevel"}) {
    Json t = tiny();
    t["model"]["type"] = type;
    const Tokenizer known = Tokenizer::load(s.write("tokenizer.json", t.dump()));
    EXPECT_EQ(known.encode("ab", false), std::vector<TokenId>{2}) << type;
    EXPECT_THROW(known.encode("c", false), Error) << type;
  }
}

TEST(TokenizerErrors, BadVocabularies) {
  expect_changed([](Json& t) { t["model"].erase("vocab"); }, "'vocab' must be an object");
  expect_changed([](Json& t) { t["model"]["vocab"]["x"] = "y"; }, "is not an integer");
  expect_changed([](Json& t) { t["model"]["vocab"]["x"] = -1; }, "ids must lie in");
  expect_changed([](Json& t) { t["model"]["vocab"]["x"] = 4'000'000'000LL; }, "ids must lie in");
  expect_changed([](Json& t) { t["model"]["vocab"]["x"] = 0; }, "two tokens claim the id 0");
}

TEST(TokenizerErrors, BadMerges) {
  expect_changed([](Json& t) { t["model"].erase("merges"); }, "'merges' must be a list");
  expect_changed([](Json& t) { t["model"]["merges"] = Json::array({pair("a", "c")}); }, "uses 'c'");
  expect_changed([](Json& t) { t["model"]["merges"] = Json::array({pair("b", "a")}); },
                 "makes 'ba'");
  expect_changed([](Json& t) { t["model"]["merges"] = Json::array({"a b c"}); }, "one space");
  expect_changed([](Json& t) { t["model"]["merges"] = Json::array({1}); }, "a string or a pair");
}

TEST(TokenizerErrors, BadComponents) {
  const auto pre = [](Json value) { return [value](Json& t) { t["pre_tokenizer"] = value; }; };
  expect_changed(pre({{"type", "Magic"}}), "'Magic' is not supported");
  expect_changed(pre({{"type", 3}}), "'type' must be a string");
  expect_changed(pre(5), "must be an object");
  expect_changed(pre({{"type", "Split"}}), "'pattern' must be");
  expect_changed(pre({{"type", "Split"}, {"pattern", {{"Regex", "("}}}, {"behavior", "Isolated"}}),
                 "not a valid regular expression");
  expect_changed(pre({{"type", "Split"}, {"pattern", {{"String", "x"}}}, {"behavior", "Odd"}}),
                 "unknown split behavior");
  Json deep = {{"type", "Digits"}};
  for (int i = 0; i < 40; ++i)
    deep = {{"type", "Sequence"}, {"pretokenizers", Json::array({deep})}};
  expect_changed(pre(deep), "nested deeper");
  expect_changed(pre({{"type", "FixedLength"}, {"length", 0}}), "'length' must be at least 1");
  const auto map = [](const char* text) {
    return [text](Json& t) {
      t["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", text}};
    };
  };
  expect_changed(map("AAAA"), "character map is damaged");
  expect_changed(map("/////wAA"), "character map is damaged");
  expect_changed(map("!"), "does not belong into base64");
  expect_changed(
      [](Json& t) {
        t["decoder"] = {{"type", "CTC"}, {"pad_token", 1}};
      },
      "'pad_token'");
  expect_changed([](Json& t) { t["normalizer"] = {{"type", "Odd"}}; }, "'Odd'");
  expect_changed([](Json& t) { t["decoder"] = {{"type", "Odd"}}; }, "'Odd'");
  expect_changed([](Json& t) { t["post_processor"] = {{"type", "Odd"}}; }, "'Odd'");
  expect_changed(
      [](Json& t) {
        t["post_processor"] = {{"type", "TemplateProcessing"},
                               {"single", Json::array({Json{{"SpecialToken", {{"id", "<s>"}}}}})},
                               {"special_tokens", Json::object()}};
      },
      "names '<s>'");
}

TEST(TokenizerErrors, BadAddedTokens) {
  expect_changed([](Json& t) { t["added_tokens"] = 5; }, "must be a list");
  expect_changed(
      [](Json& t) {
        t["added_tokens"] = Json::array({Json{{"id", 1}}});
      },
      "needs an 'id'");
  expect_changed(
      [](Json& t) {
        t["added_tokens"] = Json::array({Json{{"id", 1LL << 40}, {"content", "x"}}});
      },
      "ids must lie in");
}

TEST(TokenizerErrors, BadPlaces) {
  const test::Scratch s;
  EXPECT_THROW(Tokenizer::load(s.folder()), Error);
  EXPECT_THROW(Tokenizer::load(s.folder() + "/none"), Error);
  s.write("tokenizer.json", tiny().dump());
  s.write("tokenizer_config.json", "[]");
  EXPECT_THROW(Tokenizer::load(s.folder()), Error);
  s.write("tokenizer_config.json", std::string(100000, '['));
  EXPECT_THROW(Tokenizer::load(s.folder()), Error);
  EXPECT_THROW(Tokenizer::load(s.write("x.gguf", "GGUF")), Error);
}

}  // namespace
}  // namespace axl::tokenizer
