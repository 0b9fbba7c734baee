#include "tokenizer/word_cache.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "tokenizer/scratch_pool.hpp"

namespace axl::tokenizer {
namespace {

std::optional<std::vector<TokenId>> find(WordCache& cache, const std::string& text) {
  std::vector<TokenId> out{7};
  bool hit = false;
  {
    IdWriter ids(out, 0);
    hit = cache.find(text, text.data() + text.size(), ids);
  }
  EXPECT_EQ(out.front(), 7);
  out.erase(out.begin());
  if (!hit) {
    EXPECT_TRUE(out.empty());
    return std::nullopt;
  }
  return out;
}

void insert(WordCache& cache, const std::string& text, const std::vector<TokenId>& ids) {
  cache.insert(text, text.data() + text.size(), ids);
}

TEST(WordCache, TellsTextsOfEveryLengthApart) {
  WordCache cache;
  const std::string text(40, 'a');
  for (std::size_t n = 1; n <= text.size(); ++n) {
    EXPECT_EQ(find(cache, text.substr(0, n)), std::nullopt);
    insert(cache, text.substr(0, n), std::vector<TokenId>(n % 4 + 1, static_cast<TokenId>(n)));
  }
  for (std::size_t n = 1; n <= text.size(); ++n)
    EXPECT_EQ(find(cache, text.substr(0, n)),
              std::vector<TokenId>(n % 4 + 1, static_cast<TokenId>(n)));
  EXPECT_EQ(find(cache, text.substr(0, 3) + '\0'), std::nullopt);
}

TEST(WordCache, WhatFollowsATextDoesNotCount) {
  WordCache cache;
  insert(cache, "word", {1});
  const std::string longer = "word and more than sixteen bytes";
  std::vector<TokenId> out;
  {
    IdWriter ids(out, 0);
    EXPECT_TRUE(
        cache.find(std::string_view(longer).substr(0, 4), longer.data() + longer.size(), ids));
  }
  EXPECT_EQ(out, std::vector<TokenId>{1});
}

TEST(WordCache, NewWordsPushOutWhatWasUsedOnceOnly) {
  WordCache cache;
  insert(cache, "often", {5});
  for (int i = 0; i < 1'000'000; ++i) {
    insert(cache, std::to_string(i), {i});
    if (i % 1000 == 0) {
      ASSERT_EQ(find(cache, "often"), std::vector<TokenId>{5});
    }
  }
  EXPECT_EQ(find(cache, "999999"), std::vector<TokenId>{999999});
}

TEST(WordCache, ManyIdsOfAWord) {
  WordCache cache;
  const std::vector<TokenId> ids{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  insert(cache, "a longer word that is cached", ids);
  EXPECT_EQ(find(cache, "a longer word that is cached"), ids);
  insert(cache, "short", ids);
  EXPECT_EQ(find(cache, "short"), ids);
  insert(cache, std::string(300, 'x'), ids);  // too long to be kept
  EXPECT_EQ(find(cache, std::string(300, 'x')), std::nullopt);
}

TEST(ScratchPool, GivesBackWhatAThreadHadAndWhatOthersLeft) {
  ScratchPool pool;
  std::unique_ptr<Scratch> a = pool.take(), b = pool.take();
  Scratch* const first = a.get();
  Scratch* const second = b.get();
  EXPECT_NE(first, second);
  pool.give_back(std::move(a));
  pool.give_back(std::move(b));
  a = pool.take();
  b = pool.take();
  EXPECT_EQ(a.get(), first);
  EXPECT_EQ(b.get(), second);
  EXPECT_NE(pool.take().get(), first);
}

}  // namespace
}  // namespace axl::tokenizer
