#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "axl/kernels/types.hpp"
#include "core/error.hpp"
#include "core/registry.hpp"

namespace axl {
namespace {

TEST(Error, RendersPlaceKeyMessageAndHint) {
  const Error e = Error(ErrorCode::config, "must be a positive integer, got 'eight'")
                      .at({"a.yaml", 14, 12, "lora_r"})
                      .hint("typical values: 8, 16, 64");
  EXPECT_STREQ(e.what(),
               "a.yaml:14:12: lora_r: must be a positive integer, got 'eight'\n"
               "  hint: typical values: 8, 16, 64");
  EXPECT_EQ(e.exit_code(), kExitBadInput);
}

TEST(Error, ExitCodeTellsTheUsersMistakesFromFailures) {
  EXPECT_EQ(Error(ErrorCode::input, "x").exit_code(), 2);
  EXPECT_EQ(Error(ErrorCode::data, "x").exit_code(), 2);
  EXPECT_EQ(Error(ErrorCode::io, "x").exit_code(), 1);
  EXPECT_EQ(Error(ErrorCode::internal, "x").exit_code(), 1);
}

struct Spec {
  std::string_view name;
};

TEST(Registry, UnknownNameSuggestsTheNearest) {
  const Registry<Spec> list{"optimizer", {{"adamw"}, {"sgd"}}};
  EXPECT_EQ(list.get("sgd").name, "sgd");
  try {
    list.get("adamv");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.hint(), "did you mean 'adamw'? known: adamw, sgd");
  }
}

TEST(Registry, RefusesDoubleNames) {
  EXPECT_THROW((Registry<Spec>{"optimizer", {{"a"}, {"a"}}}), Error);
}

TEST(Suggest, CountsTranspositionsOnce) {
  EXPECT_EQ(edit_distance("lora_alpah", "lora_alpha"), 1);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(nearest("learning_rat", {"learning_rate", "lr_scheduler"}), "learning_rate");
  EXPECT_EQ(nearest("zzz", {"learning_rate"}), "");
}

TEST(Suggest, GivingUpEarlyChangesNoAnswer) {
  std::mt19937 random{7};
  const auto word = [&](std::size_t longest) {
    std::string out(1 + random() % longest, 'a');
    for (char& c : out) c = static_cast<char>('a' + random() % 3);
    return out;
  };
  for (int trial = 0; trial < 300; ++trial) {
    const std::string name = word(12);
    std::vector<std::string> known(20);
    for (std::string& k : known) k = word(12);
    const int limit = std::max(2, static_cast<int>(name.size()) / 3);
    std::string expected;
    int best = limit + 1;
    for (const std::string& k : known) {
      const int d = edit_distance(name, k);
      if (d < best && d < static_cast<int>(std::max(name.size(), k.size()))) {
        best = d;
        expected = k;
      }
    }
    EXPECT_EQ(nearest(name, known), expected) << name;
  }
}

TEST(Half, EveryFiniteHalfSurvivesTheRoundTrip) {
  for (std::uint32_t h = 0; h < 0x10000u; ++h) {
    const auto bits = static_cast<std::uint16_t>(h);
    const float f = f16_to_float(bits);
    if (std::isnan(f)) continue;
    EXPECT_EQ(float_to_f16(f), bits) << h;
  }
}

TEST(Bf16, RoundsToNearestEvenAndKeepsNan) {
  EXPECT_EQ(bf16(1.0f).bits, 0x3F80);
  EXPECT_EQ(bf16(std::bit_cast<float>(0x3F808000u)).bits, 0x3F80);
  EXPECT_EQ(bf16(std::bit_cast<float>(0x3F818000u)).bits, 0x3F82);
  EXPECT_TRUE(std::isnan(static_cast<float>(bf16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isinf(static_cast<float>(bf16(std::numeric_limits<float>::infinity()))));
}

}  // namespace
}  // namespace axl
