// tests/fixtures/tokenizer/tokenizer_cases.json: small tokenizers of many kinds and the ids and
// texts that the `tokenizers` package makes.
#include <gtest/gtest.h>

#include <thread>

#include "scratch.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

void check(const Tokenizer& t, const Json& texts, const Json& c) {
  const auto name = c["name"].get<std::string>();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto text = texts[i].get<std::string>();
    const auto ids = c["ids"][i].get<std::vector<TokenId>>();
    EXPECT_EQ(t.encode(text, true), ids) << name << ": " << texts[i];
    EXPECT_EQ(t.decode(ids, false), c["decoded"][i].get<std::string>()) << name;
    EXPECT_EQ(t.decode(ids, true), c["decoded_plain"][i].get<std::string>()) << name;
  }
}

TEST(TokenizerCases, IdsAndTextsEqualThePackages) {
  const Json fixture = test::fixture("tokenizer_cases.json");
  const test::Scratch scratch;
  for (const Json& c : fixture["cases"]) {
    const std::string file = scratch.write("tokenizer.json", c["tokenizer"].dump());
    check(Tokenizer::load(file), fixture["texts"], c);
  }
}

TEST(TokenizerCases, SurviveSavingAndLoading) {
  const Json fixture = test::fixture("tokenizer_cases.json");
  for (const Json& c : fixture["cases"]) {
    const test::Scratch scratch, copy;
    const Tokenizer t = Tokenizer::load(scratch.write("tokenizer.json", c["tokenizer"].dump()));
    t.save(copy.folder());
    const Tokenizer again = Tokenizer::load(copy.folder());
    EXPECT_EQ(again.fingerprint(), t.fingerprint()) << c["name"];
    EXPECT_EQ(again.vocab_size(), t.vocab_size());
    check(again, fixture["texts"], c);
  }
}

TEST(TokenizerCases, MergesMayBeStrings) {
  const Json fixture = test::fixture("tokenizer_cases.json");
  Json c = fixture["cases"][0];
  for (Json& merge : c["tokenizer"]["model"]["merges"])
    if (merge.is_array()) merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  const test::Scratch scratch;
  check(Tokenizer::load(scratch.write("tokenizer.json", c["tokenizer"].dump())), fixture["texts"],
        c);
}

TEST(TokenizerCases, FingerprintsDiffer) {
  const Json fixture = test::fixture("tokenizer_cases.json");
  const test::Scratch scratch;
  std::vector<std::uint64_t> seen;
  for (const Json& c : fixture["cases"]) {
    const std::uint64_t f =
        Tokenizer::load(scratch.write("tokenizer.json", c["tokenizer"].dump())).fingerprint();
    EXPECT_EQ(std::count(seen.begin(), seen.end(), f), 0) << c["name"];
    seen.push_back(f);
  }
}

TEST(TokenizerCases, ThreadsGetTheSameIds) {
  const Json fixture = test::fixture("tokenizer_cases.json");
  const Json& c = fixture["cases"][4];
  const test::Scratch scratch;
  const Tokenizer t = Tokenizer::load(scratch.write("tokenizer.json", c["tokenizer"].dump()));
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t n = 0; n < wrong.size(); ++n)
    threads.emplace_back([&, n] {
      for (int round = 0; round < 20; ++round)
        for (std::size_t i = 0; i < fixture["texts"].size(); ++i)
          wrong[n] += t.encode(fixture["texts"][i].get<std::string>(), true) !=
                      c["ids"][i].get<std::vector<TokenId>>();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace axl::tokenizer
