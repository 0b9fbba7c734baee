// The files beside tokenizer.json against what transformers makes of them
// (tests/fixtures/tokenizer/make_side_file_cases.py).
#include <gtest/gtest.h>

#include "scratch.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

Json with_added(const Json& base, const Json& added) {
  Json out = base;
  out["added_tokens"] = added;
  return out;
}

void write_case(const test::Scratch& folder, const Json& recorded, const Json& c) {
  const Json& base = recorded["bases"][c["base"].get<std::string>()];
  folder.write("tokenizer.json", with_added(base, c["added"]).dump());
  for (const auto& [name, text] : c["files"].items()) folder.write(name, text.dump());
}

const Json& recorded_cases() {
  static const Json recorded = test::fixture("side_file_cases.json");
  return recorded;
}

const Json& case_named(const std::string& name) {
  for (const Json& c : recorded_cases()["cases"])
    if (c["name"] == name) return c;
  throw std::runtime_error("no case " + name);
}

TEST(SideFiles, GiveTheIdsThatTransformersGives) {
  const Json& recorded = recorded_cases();
  int compared = 0;
  for (const Json& c : recorded["cases"]) {
    const std::string name = c["name"].get<std::string>();
    if (c.contains("refused")) continue;  // transformers stops there; see below
    const test::Scratch folder, saved;
    write_case(folder, recorded, c);
    const Tokenizer first = Tokenizer::load(folder.folder());
    first.save(saved.folder());
    for (const std::string& from : {folder.folder(), saved.folder()}) {
      const Tokenizer t = Tokenizer::load(from);
      for (std::size_t i = 0; i < recorded["texts"].size(); ++i)
        EXPECT_EQ(t.encode(recorded["texts"][i].get<std::string>(), false),
                  c["ids"][i].get<std::vector<TokenId>>())
            << name << ": " << recorded["texts"][i];
      for (const char* special : {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token",
                                  "cls_token", "mask_token"}) {
        const std::string text = t.token_text(special);
        const bool there = c["named"].contains(special);
        EXPECT_EQ(!text.empty(), there) << name << ": " << special;
        if (text.empty() || !there) continue;
        EXPECT_EQ(*t.token_to_id(text), c["named"][special].get<TokenId>())
            << name << ": " << special;
      }
      EXPECT_EQ(t.vocab_size(), c["size"].get<std::int64_t>()) << name;
    }
    ++compared;
  }
  EXPECT_GE(compared, 55);
}

/// transformers 5 stops at tokens that are objects where it expects texts; what is meant is clear.
TEST(SideFiles, ObjectsAreTakenWhereTransformersStops) {
  int taken = 0;
  for (const Json& c : recorded_cases()["cases"]) {
    if (!c.contains("refused")) continue;
    const test::Scratch folder;
    write_case(folder, recorded_cases(), c);
    const Tokenizer t = Tokenizer::load(folder.folder());
    const auto id = t.token_to_id("<|tool|>");
    ASSERT_TRUE(id.has_value()) << c["name"];
    EXPECT_EQ(t.encode("x<|tool|>", false).back(), *id) << c["name"];
    ++taken;
  }
  EXPECT_EQ(taken, 3);
}

TEST(SideFiles, TwoThatDisagreeAreToldWithTheOneThatCounts) {
  const auto told = [](const std::string& name) {
    const test::Scratch folder;
    write_case(folder, recorded_cases(), case_named(name));
    ::testing::internal::CaptureStderr();
    Tokenizer::load(folder.folder());
    return ::testing::internal::GetCapturedStderr();
  };
  const std::string map = told("the map wins");
  EXPECT_NE(map.find("eos_token is '<|im_end|>' in "), std::string::npos) << map;
  EXPECT_NE(map.find("tokenizer_config.json and '<|endoftext|>' in "), std::string::npos) << map;
  EXPECT_NE(map.find("special_tokens_map.json counts"), std::string::npos) << map;
  const std::string config = told("the map is not read beside added_tokens_decoder");
  EXPECT_NE(config.find("tokenizer_config.json, which has added_tokens_decoder, counts"),
            std::string::npos)
      << config;
  EXPECT_EQ(told("null in the map"), "");
  EXPECT_EQ(told("eos_token in the vocabulary only"), "");
}

/// Axolotl adds `tokens:` so that they are found before the text is normalised.
TEST(SideFiles, TokensOfTheYamlAreFoundBehindOtherText) {
  const test::Scratch folder;
  write_case(folder, recorded_cases(), case_named("sentencepiece: added_tokens.json"));
  std::filesystem::remove(std::filesystem::path(folder.folder()) / "added_tokens.json");
  Tokenizer t = Tokenizer::load(folder.folder());
  const TokenId end = *t.token_to_id("<|im_end|>");
  EXPECT_NE(t.encode("hi!<|im_end|>", false).back(), end);
  t.add_tokens({"<|im_end|>", "<|new|>"}, false);
  EXPECT_EQ(t.encode("hi!<|im_end|>", false).back(), end);
  EXPECT_EQ(t.encode("hi!<|new|>", false).back(), *t.token_to_id("<|new|>"));
  EXPECT_EQ(t.decode(std::vector<TokenId>{end}, true), "<|im_end|>") << "they are not special";
}

}  // namespace
}  // namespace axl::tokenizer
