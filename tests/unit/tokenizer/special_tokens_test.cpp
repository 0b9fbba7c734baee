#include <gtest/gtest.h>

#include "core/error.hpp"
#include "scratch.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

Json small_tokenizer() {
  const Json fixture = test::fixture("tokenizer_cases.json");
  return fixture["cases"][0]["tokenizer"];
}

TEST(SpecialTokens, ComeFromTheConfiguration) {
  const test::Scratch s;
  s.write("tokenizer.json", small_tokenizer().dump());
  s.write("special_tokens_map.json", R"({"bos_token": "<s>", "pad_token": {"content": "<tok>"}})");
  s.write("tokenizer_config.json",
          R"({"eos_token": {"content": "</s>"}, "unk_token": null, "chat_template": "one",
              "additional_special_tokens": ["<new>"]})");
  const Tokenizer t = Tokenizer::load(s.folder());
  EXPECT_EQ(t.bos_id(), t.token_to_id("<s>"));
  EXPECT_EQ(t.eos_id(), t.token_to_id("</s>"));
  EXPECT_EQ(t.pad_id(), t.token_to_id("<tok>"));
  EXPECT_EQ(t.token_text("unk_token"), "");
  EXPECT_EQ(t.chat_template(), "one");
  ASSERT_TRUE(t.token_to_id("<new>").has_value());
  EXPECT_EQ(t.id_to_token(*t.token_to_id("<new>")), "<new>");
}

TEST(SpecialTokens, CanBeSetAndAdded) {
  const test::Scratch s, copy;
  Tokenizer t = Tokenizer::load(s.write("tokenizer.json", small_tokenizer().dump()));
  EXPECT_FALSE(t.pad_id().has_value());
  const std::int64_t size = t.vocab_size();
  const std::uint64_t before = t.fingerprint();
  t.set_special_token("pad_token", "<pad>");
  t.add_tokens({"<one>", "<two>", "<one>", "a"}, false);
  EXPECT_EQ(t.vocab_size(), size + 3);
  EXPECT_EQ(t.pad_id(), size);
  EXPECT_NE(t.fingerprint(), before);
  EXPECT_EQ(t.encode("<pad><two>", false),
            (std::vector<TokenId>{static_cast<TokenId>(size), static_cast<TokenId>(size + 2)}));
  EXPECT_EQ(t.decode(t.encode("x<pad>y<one>", false), true), "xy<one>");
  // A token that exists already keeps its id and becomes special.
  const auto tok = t.token_to_id("<tok>");
  t.set_special_token("eos_token", "<tok>");
  EXPECT_EQ(t.eos_id(), tok);
  EXPECT_EQ(t.decode(std::vector<TokenId>{*tok}, true), "");
  t.set_chat_template("{{ x }}");
  t.save(copy.folder());
  const Tokenizer again = Tokenizer::load(copy.folder());
  EXPECT_EQ(again.pad_id(), t.pad_id());
  EXPECT_EQ(again.chat_template(), "{{ x }}");
  EXPECT_EQ(again.fingerprint(), t.fingerprint());
  t.set_special_token("pad_token", "");
  EXPECT_FALSE(t.pad_id().has_value());
}

TEST(SpecialTokens, ReservedOnesCanBeRenamed) {
  const test::Scratch s, copy;
  Tokenizer t = Tokenizer::load(s.write("tokenizer.json", small_tokenizer().dump()));
  t.set_special_token("eos_token", "<tok>");
  const TokenId id = *t.token_to_id("<tok>");
  const std::int64_t size = t.vocab_size();
  t.override_added_token(id, "<turn>");
  EXPECT_EQ(t.vocab_size(), size);
  EXPECT_EQ(t.encode("<turn>", false), std::vector<TokenId>{id});
  EXPECT_GT(t.encode("<tok>", false).size(), 1U);
  EXPECT_EQ(t.eos_id(), id);
  EXPECT_THROW(t.override_added_token(0, "x"), Error);
  EXPECT_THROW(t.override_added_token(id, "a"), Error);
  EXPECT_THROW(t.override_added_token(id, ""), Error);
  t.save(copy.folder());
  EXPECT_EQ(Tokenizer::load(copy.folder()).fingerprint(), t.fingerprint());
}

TEST(SpecialTokens, UnknownIdsDecodeToNothing) {
  const test::Scratch s;
  const Tokenizer t = Tokenizer::load(s.write("tokenizer.json", small_tokenizer().dump()));
  EXPECT_EQ(t.decode(std::vector<TokenId>{-1, 1 << 30}, false), "");
  EXPECT_EQ(t.id_to_token(-5), "");
  EXPECT_FALSE(t.token_to_id("no such token").has_value());
}

TEST(SpecialTokens, BrokenTextIsMended) {
  const test::Scratch s;
  const Tokenizer t = Tokenizer::load(s.write("tokenizer.json", small_tokenizer().dump()));
  EXPECT_EQ(t.encode("a\xFF", false), t.encode("a\uFFFD", false));
  std::vector<TokenId> out{7};
  t.encode_to("a", false, out);
  EXPECT_EQ(out[0], 7);
  EXPECT_GT(out.size(), 1U);
}

TEST(SpecialTokens, DropoutOfMergesIsToldAndKept) {
  const test::Scratch s, copy;
  Json json = small_tokenizer();
  ASSERT_EQ(json["model"]["type"], "BPE");
  const Tokenizer plain = Tokenizer::load(s.write("tokenizer.json", json.dump()));
  json["model"]["dropout"] = 0.1;
  ::testing::internal::CaptureStderr();
  const Tokenizer t = Tokenizer::load(s.write("tokenizer.json", json.dump()));
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("dropout of 0.1 is not applied"), std::string::npos) << told;
  EXPECT_EQ(t.encode("the same every time", false), plain.encode("the same every time", false));
  t.save(copy.folder());
  std::ifstream in(copy.folder() + "/tokenizer.json");
  EXPECT_EQ(parse_json<Json>(in)["model"]["dropout"], 0.1);
}

}  // namespace
}  // namespace axl::tokenizer
