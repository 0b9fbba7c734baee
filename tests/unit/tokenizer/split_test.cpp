// tests/fixtures/tokenizer/split_cases.json: the pieces that the `tokenizers` package makes with
// Split, for every behaviour, both ways round, whether a scanner stands for the pattern or not.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "scratch.hpp"
#include "tokenizer/pre_tokenizer.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> pieces_of(const Json& spec, const std::string& text) {
  const PreTokenizer pre(spec);
  Pieces pieces;
  pieces.text = text;
  if (!text.empty()) pieces.spans.push_back({0, static_cast<std::uint32_t>(text.size())});
  pre.apply(pieces);
  std::vector<std::string> out;
  for (const Span& s : pieces.spans) out.emplace_back(pieces.text.substr(s.begin, s.end - s.begin));
  return out;
}

Json split_json(const Json& pattern, const std::string& behavior, bool invert) {
  return {{"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}, {"invert", invert}};
}

TEST(Split, EqualsTheReference) {
  const Json fixture = test::fixture("split_cases.json");
  ASSERT_GE(fixture["cases"].size(), 250U);
  for (const Json& c : fixture["cases"]) {
    const Json spec = split_json(c["pattern"], c["behavior"], c["invert"].get<bool>());
    for (std::size_t i = 0; i < fixture["texts"].size(); ++i) {
      const auto text = fixture["texts"][i].get<std::string>();
      EXPECT_EQ(pieces_of(spec, text), c["pieces"][i].get<std::vector<std::string>>())
          << spec.dump() << " on '" << text << "'";
    }
  }
}

TEST(Split, KeepsOnlyTheMatchesWhereGapsAreRemoved) {
  const Json numbers{{"Regex", R"(\p{N}{1,3})"}};
  using Texts = std::vector<std::string>;
  EXPECT_EQ(pieces_of(split_json(numbers, "Removed", true), "ab 12 ef"), Texts{"12"});
  EXPECT_EQ(pieces_of(split_json(numbers, "Removed", false), "ab 12 ef"), (Texts{"ab ", " ef"}));
}

TEST(Split, RefusesSetsThatWouldBeReadAsSomethingElse) {
  EXPECT_THROW(pieces_of(split_json({{"Regex", "[a-z&&[^b]]"}}, "Isolated", false), "a"), Error);
  EXPECT_THROW(pieces_of(split_json({{"Regex", "[a[bc]]"}}, "Isolated", false), "a"), Error);
}

}  // namespace
}  // namespace axl::tokenizer
