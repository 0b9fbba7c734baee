// The greedy tokens of the recorded models, made through the key-value cache.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "generate/generator.hpp"
#include "oracle/model_case.hpp"
#include "support/paths.hpp"

namespace axl::test {
namespace {

TEST(Oracle, GreedyThroughTheCache) {
  constexpr std::ptrdiff_t kNewTokens = 24;
  const auto cases = oracle_cases("arch");
  if (cases.empty()) {
    std::printf("no oracles found\n");
    GTEST_SKIP();
  }
  for (const std::string& name : cases) {
    const std::string folder = oracle_root() + "/arch/" + name;
    try {
      const auto config = weights::read_model_config(folder + "/config.json");
      family::shape_of(config);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::unsupported) throw;
      std::printf("%-24s skipped: %s\n", name.c_str(), e.message().c_str());
      continue;
    }
    ModelCase m(folder, "config.json", {.compute = DType::f32});
    const auto greedy =
        integers(weights::WeightFile::open(folder + "/oracle.safetensors"), "greedy");
    ASSERT_GT(static_cast<std::ptrdiff_t>(greedy.size()), kNewTokens) << name;
    generate::Request request{.max_new_tokens = kNewTokens, .sampling = {.greedy = true}};
    for (auto id = greedy.begin(); id != greedy.end() - kNewTokens; ++id)
      request.prompt.push_back(static_cast<generate::TokenId>(*id));
    generate::Generator generator(*m.decoder, m.bench.kernels, session().queue(),
                                  static_cast<std::int64_t>(greedy.size()));
    const auto answer = generator.generate(std::span(&request, 1)).front();
    const auto wrong = std::mismatch(answer.tokens.begin(), answer.tokens.end(),
                                     greedy.end() - kNewTokens, greedy.end());
    const auto same = wrong.first - answer.tokens.begin();
    EXPECT_EQ(same, kNewTokens) << name;
    std::printf("%-24s greedy through the cache: %td of %td tokens\n", name.c_str(), same,
                kNewTokens);
  }
}

}  // namespace
}  // namespace axl::test
