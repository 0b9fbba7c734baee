// Generation through the key-value cache against the model without one.
#include "generate/generator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "model/losses/causal_lm.hpp"
#include "support/session.hpp"
#include "tiny_model.hpp"

namespace axl::test {
namespace {

using generate::Finish;
using generate::Generator;
using generate::Request;
using generate::Sequence;
using generate::TokenId;

std::vector<TokenId> random_ids(std::size_t n, std::uint64_t seed) {
  std::vector<TokenId> out(n);
  for (std::size_t i = 0; i < n; ++i)
    out[i] = static_cast<TokenId>(random_below(TinyModel::kVocabulary, seed, 1, i));
  return out;
}

/// Logits after the last token, without a cache.
std::vector<float> uncached(generate::LoadedModel& m, const std::vector<TokenId>& ids) {
  device::Arena arena(64 << 20);
  ops::Context ctx{m.kernels(), session().queue(), arena};
  std::vector<std::int32_t> positions(ids.size());
  std::iota(positions.begin(), positions.end(), 0);
  const std::int32_t cu[2] = {0, static_cast<std::int32_t>(ids.size())};
  m.decoder().reserve_positions(TinyModel::kPositions);
  model::Decoder::Saved saved;
  const auto hidden =
      m.decoder().forward(ctx, {.ids = ids, .positions = positions, .cu_seqlens = cu}, saved);
  std::vector<float> out(TinyModel::kVocabulary);
  model::CausalLmLoss::logits(ctx, m.decoder(), hidden.rows(hidden.dim(0) - 1, 1),
                              {out.data(), DType::f32, {1, TinyModel::kVocabulary}});
  return out;
}

float worst(std::span<const float> a, const std::vector<float>& b) {
  float out = 0;
  for (std::size_t i = 0; i < b.size(); ++i) out = std::max(out, std::abs(a[i] - b[i]));
  return out;
}

class Generation : public ::testing::Test {
 protected:
  TinyModel folder;
  generate::LoadedModel m = folder.load();
  Generator generator{m.decoder(), m.kernels(), session().queue()};

  generate::Answer ask(Request request) {
    return generator.generate(std::span(&request, 1)).front();
  }
};

TEST_F(Generation, CachedLogitsEqualUncachedOnesHoweverTheTokensCome) {
  const auto ids = random_ids(40, 1);
  const auto expected = uncached(m, ids);
  for (const std::size_t first : {1u, 7u, 39u, 40u}) {
    Sequence s(m.decoder(), m.kernels(), session().queue(), 64);
    std::span<float> z = s.feed(std::span(ids).first(first));
    for (std::size_t i = first; i < ids.size(); ++i) z = s.feed(std::span(ids).subspan(i, 1));
    EXPECT_LT(worst(z, expected), 2e-4F) << first;
    EXPECT_EQ(s.length(), 40);
  }
}

TEST(Sequence, KeepsWhatItHoldsWhenItGrows) {
  const TinyModel folder(3000);
  generate::LoadedModel m = folder.load();
  const auto ids = random_ids(1030, 9);
  Sequence whole(m.decoder(), m.kernels(), session().queue(), 3000);
  const std::span<float> expected = whole.feed(ids);
  Sequence s(m.decoder(), m.kernels(), session().queue(), 3000);
  std::span<float> z = s.feed(std::span(ids).first(1020));  // room for 1024
  for (std::size_t i = 1020; i < ids.size(); ++i) z = s.feed(std::span(ids).subspan(i, 1));
  EXPECT_LT(worst(z, {expected.begin(), expected.end()}), 2e-4F);
}

TEST_F(Generation, ATruncatedSequenceGoesOnAsIfTheRestHadNeverBeen) {
  const auto ids = random_ids(30, 2), other = random_ids(10, 3);
  Sequence s(m.decoder(), m.kernels(), session().queue(), 64);
  s.feed(ids);
  s.truncate(20);
  const std::span<float> z = s.feed(other);
  std::vector<TokenId> all(ids.begin(), ids.begin() + 20);
  all.insert(all.end(), other.begin(), other.end());
  EXPECT_LT(worst(z, uncached(m, all)), 2e-4F);
}

TEST_F(Generation, GreedyTokensAreTheHighestLogitsWithoutACache) {
  std::vector<TokenId> ids = random_ids(9, 4);
  const auto answer = ask({.prompt = ids, .max_new_tokens = 16, .sampling = {.greedy = true}});
  ASSERT_EQ(answer.tokens.size(), 16u);
  EXPECT_EQ(answer.finish, Finish::max_new_tokens);
  for (const TokenId token : answer.tokens) {
    const auto z = uncached(m, ids);
    EXPECT_EQ(token, std::max_element(z.begin(), z.end()) - z.begin());
    ids.push_back(token);
  }
}

TEST_F(Generation, Bf16FollowsItsOwnUncachedModel) {
  generate::LoadedModel half = folder.load(DType::bf16);
  const auto ids = random_ids(20, 5);
  Sequence s(half.decoder(), half.kernels(), session().queue(), 64);
  std::span<float> z;
  for (std::size_t i = 0; i < ids.size(); ++i) z = s.feed(std::span(ids).subspan(i, 1));
  const auto expected = uncached(half, ids);
  float scale = 0;
  for (const float x : expected) scale = std::max(scale, std::abs(x));
  EXPECT_LT(worst(z, expected), 0.03F * scale);
}

TEST_F(Generation, EndsBeforeAStopToken) {
  const Request request{
      .prompt = random_ids(9, 4), .max_new_tokens = 16, .sampling = {.greedy = true}};
  const auto all = ask(request).tokens;
  Request stopped = request;
  stopped.stop_ids = {all[5]};
  const auto answer = ask(stopped);
  EXPECT_EQ(answer.finish, Finish::stop_token);
  const auto first = std::find(all.begin(), all.end(), all[5]);
  EXPECT_EQ(answer.tokens, std::vector<TokenId>(all.begin(), first));
}

TEST_F(Generation, SamplingDependsOnTheSeedAlone) {
  const auto run = [&](std::uint64_t seed) {
    return ask({.prompt = random_ids(9, 4),
                .max_new_tokens = 24,
                .sampling = {.temperature = 2.0, .top_k = 50, .top_p = 0.95, .seed = seed}})
        .tokens;
  };
  const auto first = run(1);
  EXPECT_NE(run(2), first);
  EXPECT_EQ(run(1), first);
}

TEST_F(Generation, ASharedBeginningIsNotComputedAgain) {
  const auto ids = random_ids(30, 6);
  std::vector<TokenId> longer = ids;
  const auto first = ask({.prompt = ids, .max_new_tokens = 4, .sampling = {.greedy = true}});
  EXPECT_EQ(first.reused_tokens, 0);
  longer.insert(longer.end(), first.tokens.begin(), first.tokens.end());
  longer.push_back(11);
  const auto second = ask({.prompt = longer, .max_new_tokens = 8, .sampling = {.greedy = true}});
  EXPECT_EQ(second.reused_tokens, 33);  // the last token of the answer never went in
  Generator fresh(m.decoder(), m.kernels(), session().queue());
  const Request same{.prompt = longer, .max_new_tokens = 8, .sampling = {.greedy = true}};
  EXPECT_EQ(fresh.generate(std::span(&same, 1)).front().tokens, second.tokens);
  EXPECT_EQ(ask({.prompt = longer, .max_new_tokens = 1}).reused_tokens, 34);
}

TEST_F(Generation, StopsWhereTheContextEnds) {
  const auto answer =
      ask({.prompt = random_ids(90, 7), .max_new_tokens = 100, .sampling = {.greedy = true}});
  EXPECT_EQ(answer.finish, Finish::context_full);
  EXPECT_EQ(answer.tokens.size(), static_cast<std::size_t>(TinyModel::kPositions - 90 + 1));
}

TEST_F(Generation, TheCallerMayCancel) {
  int calls = 0;
  const Request request{.prompt = random_ids(5, 8), .sampling = {.greedy = true}};
  const auto answer =
      generator.generate(std::span(&request, 1), [&](std::size_t, TokenId) { return ++calls < 3; });
  EXPECT_EQ(answer.front().finish, Finish::cancelled);
  EXPECT_EQ(answer.front().tokens.size(), 3u);
}

TEST_F(Generation, SeveralRequestsAreAnsweredEachForItself) {
  std::vector<Request> requests;
  for (std::uint64_t i = 0; i < 3; ++i)
    requests.push_back(
        {.prompt = random_ids(5 + i, i), .max_new_tokens = 6, .sampling = {.greedy = true}});
  const auto together = generator.generate(requests);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(ask(requests[i]).tokens, together[i].tokens);
}

TEST_F(Generation, PromptsThatCannotBeAnsweredAreRefused) {
  const auto code = [&](std::vector<TokenId> prompt) {
    try {
      ask({.prompt = std::move(prompt)});
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::internal;
  };
  EXPECT_EQ(code({}), ErrorCode::input);
  EXPECT_EQ(code(random_ids(TinyModel::kPositions, 1)), ErrorCode::input);
  EXPECT_EQ(code({1, TinyModel::kVocabulary}), ErrorCode::input);
  EXPECT_EQ(code({1, -1}), ErrorCode::input);
}

}  // namespace
}  // namespace axl::test
