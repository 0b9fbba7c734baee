// The choice of a token: greedy, temperature, top-k, top-p, penalty, and that it depends on the
// seed alone.
#include "generate/sampling.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "core/error.hpp"

namespace axl::test {
namespace {

using generate::Sampler;
using generate::SamplingOptions;
using generate::TokenId;

const std::vector<float> kLogits{0.0F, 2.0F, 1.0F, 2.0F, -1.0F};

TokenId choose(const SamplingOptions& o, std::vector<float> logits,
               const std::vector<TokenId>& history = {}, std::uint64_t index = 0) {
  return Sampler(o).choose(logits, history, 0, index);
}

std::map<TokenId, int> counts(const SamplingOptions& o, const std::vector<float>& logits, int n) {
  std::map<TokenId, int> out;
  Sampler sampler(o);
  for (int i = 0; i < n; ++i) {
    std::vector<float> z = logits;
    ++out[sampler.choose(z, {}, 3, static_cast<std::uint64_t>(i))];
  }
  return out;
}

TEST(Sampling, GreedyTakesTheFirstOfTheHighest) { EXPECT_EQ(choose({.greedy = true}, kLogits), 1); }

TEST(Sampling, FrequenciesAreTheProbabilities) {
  const std::vector<float> logits{std::log(0.5F), std::log(0.3F), std::log(0.2F)};
  const auto c = counts({}, logits, 20000);
  EXPECT_NEAR(c.at(0), 10000, 300);  // four standard deviations are 283
  EXPECT_NEAR(c.at(1), 6000, 270);
  EXPECT_NEAR(c.at(2), 4000, 230);
}

TEST(Sampling, TemperatureSharpens) {
  const std::vector<float> logits{std::log(0.6F), std::log(0.4F)};
  // 0.6^2 / (0.6^2 + 0.4^2) = 0.6923
  EXPECT_NEAR(counts({.temperature = 0.5}, logits, 20000).at(0), 13846, 270);
}

TEST(Sampling, TopKKeepsThatManyAndTiesGoToTheLowestId) {
  const auto c = counts({.top_k = 1}, kLogits, 200);
  EXPECT_EQ(c.size(), 1u);
  EXPECT_EQ(c.begin()->first, 1);
  EXPECT_EQ(counts({.top_k = 2}, kLogits, 200).size(), 2u);
  EXPECT_EQ(counts({.top_k = 99}, kLogits, 3000).size(), 5u);
}

TEST(Sampling, TopPKeepsTheFewestTokensOfThatProbability) {
  const std::vector<float> logits{std::log(0.5F), std::log(0.3F), std::log(0.2F)};
  EXPECT_EQ(counts({.top_p = 0.4}, logits, 500).size(), 1u);
  EXPECT_EQ(counts({.top_p = 0.6}, logits, 500).size(), 2u);
  EXPECT_EQ(counts({.top_p = 0.9}, logits, 500).size(), 3u);
}

TEST(Sampling, ThePenaltyHitsWhatWasThere) {
  // 2 / 4 = 0.5 falls behind the other 2; -1 * 4 falls further.
  EXPECT_EQ(choose({.greedy = true, .repetition_penalty = 4}, kLogits, {1, 1, 4}), 3);
  EXPECT_EQ(choose({.greedy = true, .repetition_penalty = 4}, {-1.0F, -2.0F}, {0, -7, 900}), 1);
}

TEST(Sampling, TheSameSeedGivesTheSameTokens) {
  const auto draw = [](std::uint64_t seed) {
    std::vector<TokenId> out;
    for (std::uint64_t i = 0; i < 64; ++i) out.push_back(choose({.seed = seed}, kLogits, {}, i));
    return out;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(Sampling, LogitsThatAreNotNumbersAreNeverChosen) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(choose({.greedy = true}, {nan, 1.0F, -inf}), 1);
  EXPECT_EQ(counts({}, {-inf, 1.0F, nan}, 50).size(), 1u);
  EXPECT_THROW(choose({.greedy = true}, {nan, nan}), Error);
  EXPECT_THROW(choose({}, {-inf, -inf}), Error);
}

TEST(Sampling, OptionsOutOfRangeAreNamed) {
  const auto message = [](const SamplingOptions& o) {
    try {
      generate::check(o);
    } catch (const Error& e) {
      return e.message();
    }
    return std::string();
  };
  EXPECT_NE(message({.temperature = 0}).find("temperature"), std::string::npos);
  EXPECT_NE(message({.top_p = 1.5}).find("top_p must be above 0 and at most 1, got 1.5"),
            std::string::npos);
  EXPECT_NE(message({.top_k = -1}).find("top_k"), std::string::npos);
  EXPECT_NE(message({.repetition_penalty = 0}).find("repetition_penalty"), std::string::npos);
  EXPECT_EQ(message({}), "");
}

}  // namespace
}  // namespace axl::test
