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
