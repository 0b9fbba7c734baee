// Parts of a tokenizer.json that are rare but valid; expected values from `tokenizers` 0.23.1.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "scratch.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;
using Ids = std::vector<TokenId>;

/// Letters a and b, a mark, and A; `changes` is laid over it.
Tokenizer with(const Json& changes) {
  Json t = Json::parse(R"({
    "version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": null,
    "post_processor": null, "decoder": null,
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "_": 2, "A": 3}, "merges": []}})");
  t.merge_patch(changes);
  const test::Scratch scratch;
  return Tokenizer::load(scratch.write("tokenizer.json", t.dump()));
}

TEST(UnusualParts, ADecoderWithoutStepsPutsNoSpaces) {
  const Tokenizer t = with({{"decoder", {{"type", "Sequence"}, {"decoders", Json::array()}}}});
  EXPECT_EQ(t.decode(Ids{0, 1}, false), "ab");
  EXPECT_EQ(with(Json::object()).decode(Ids{0, 1}, false), "a b");
}

TEST(UnusualParts, AnUnknownTokenThatIsNotThereMattersWhenItIsNeeded) {
  const Tokenizer t = with({{"model", {{"unk_token", "<unk>"}}}});
  EXPECT_EQ(t.encode("ab", false), (Ids{0, 1}));
  try {
    t.encode("az", false);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::data);
    EXPECT_NE(e.message().find("'<unk>' is not in the vocabulary"), std::string::npos);
  }
}

TEST(UnusualParts, TheFirstPieceStandsAtTheStartOfTheText) {
  const Json first = {
      {"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}, {"split", true}};
  const Json both = {{"type", "Sequence"},
                     {"pretokenizers", Json::array({Json{{"type", "WhitespaceSplit"}}, first})}};
  const Tokenizer t = with({{"pre_tokenizer", both}});
  EXPECT_EQ(t.encode("a b", false), (Ids{2, 0, 1}));
  EXPECT_EQ(t.encode(" a b", false), (Ids{0, 1})) << "the first piece begins after a blank";
}

TEST(UnusualParts, WhatANormalizerTakesAwayWasTheStartOfTheText) {
  const Json first = {
      {"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}, {"split", true}};
  const Json strip = {{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}};
  const auto replace = [](const char* pattern, const char* content) {
    return Json{{"type", "Replace"}, {"pattern", {{"Regex", pattern}}}, {"content", content}};
  };
  const auto ids = [&first](const Json& normalizer, const char* text) {
    return with({{"pre_tokenizer", first}, {"normalizer", normalizer}}).encode(text, false);
  };
  EXPECT_EQ(ids(strip, "a b"), (Ids{2, 0, 2, 1}));
  EXPECT_EQ(ids(strip, " a b"), (Ids{0, 2, 1}));
  EXPECT_EQ(ids(replace("^ +", ""), " a"), (Ids{0}));
  const Json bert = {{"type", "BertNormalizer"}, {"clean_text", true}};
  EXPECT_EQ(ids(bert,
                "\x07"
                "a b"),
            (Ids{0, 2, 1}));
  EXPECT_EQ(ids(bert, "a b"), (Ids{2, 0, 2, 1}));
  EXPECT_EQ(ids(replace("^ +", "b"), " a"), (Ids{2, 1, 0}));
  EXPECT_EQ(ids({{"type", "Sequence"},
                 {"normalizers", Json::array({strip, {{"type", "Prepend"}, {"prepend", "b"}}})}},
                " a"),
            (Ids{1, 0}))
      << "what is put in front later does not bring the start back";
}

TEST(UnusualParts, PatternsThatMatchNothingAreReplacedBetweenCharacters) {
  const auto ids = [](const Json& pattern, const char* text) {
    return with({{"normalizer", {{"type", "Replace"}, {"pattern", pattern}, {"content", "_"}}}})
        .encode(text, false);
  };
  for (const Json& nothing : {Json{{"String", ""}}, Json{{"Regex", ""}}})
    EXPECT_EQ(ids(nothing, "ab"), (Ids{2, 0, 2, 1, 2})) << nothing;
  EXPECT_EQ(ids({{"Regex", "b*"}}, "aabba"), (Ids{2, 0, 2, 0, 2, 0, 2}))
      << "no empty match right behind another";
  EXPECT_EQ(ids({{"Regex", "a|"}}, "ab"), (Ids{2, 1, 2}));
  EXPECT_EQ(ids({{"Regex", "(?=b)"}}, "ab"), (Ids{0, 2, 1}));
  EXPECT_EQ(ids({{"Regex", "x*"}}, ""), Ids{});
}

TEST(UnusualParts, ANormalisedSpecialTokenIsShown) {
  const auto token = [](int id, const char* content, bool normalized) {
    return Json{{"id", id},        {"content", content}, {"single_word", false},
                {"lstrip", false}, {"rstrip", false},    {"normalized", normalized},
                {"special", true}};
  };
  const Tokenizer t =
      with({{"normalizer", {{"type", "Lowercase"}}},
            {"added_tokens", Json::array({token(1, "b", false), token(3, "A", true)})}});
  EXPECT_EQ(t.decode(Ids{0, 3, 1}, true), "a a");
  EXPECT_EQ(t.decode(Ids{0, 3, 1}, false), "a a b");
}

}  // namespace
}  // namespace axl::tokenizer
