// Rotary frequencies of every scaling, against the papers' formulas written out for single values.
#include "model/rope_table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.hpp"

namespace axl::test {
namespace {

/// A model of 2048 positions whose heads of `head_dim` are rotated whole.
struct RopeCase {
  std::int64_t head_dim = 8, max_position_embeddings = 2048;
  weights::RopeConfig rope;
  family::RopeShape shape() const { return {rope, head_dim}; }
};
model::RopeFrequencies rope_frequencies(const RopeCase& c, std::int64_t seq_len) {
  return model::rope_frequencies(c.shape(), c.max_position_embeddings, seq_len);
}
model::RopeTable rope_table(const RopeCase& c, std::int64_t positions, DType dtype) {
  return {c.shape(), c.max_position_embeddings, positions, positions, dtype};
}

RopeCase config(const std::string& type) {
  RopeCase c;
  c.head_dim = 8;
  c.max_position_embeddings = 2048;
  c.rope.type = type;
  c.rope.theta = 10000.0;
  return c;
}

TEST(Rope, Default) {
  const auto f = rope_frequencies(config("default"), 100);
  ASSERT_EQ(f.inverse.size(), 4u);
  const double expected[] = {1.0, 0.1, 0.01, 0.001};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(f.inverse[i], expected[i], 1e-15);
  EXPECT_EQ(f.attention_factor, 1.0);
}

TEST(Rope, LinearDividesEveryFrequency) {
  auto c = config("linear");
  c.rope.factor = 4.0;
  const auto f = rope_frequencies(c, 100);
  const double expected[] = {0.25, 0.025, 0.0025, 0.00025};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(f.inverse[i], expected[i], 1e-15);
}

TEST(Rope, DynamicIsPlainWithinTheTrainedLength) {
  auto c = config("dynamic");
  c.rope.factor = 2.0;
  const auto plain = rope_frequencies(config("default"), 100);
  EXPECT_EQ(rope_frequencies(c, 2048).inverse, plain.inverse);
  EXPECT_EQ(rope_frequencies(c, 5).inverse, plain.inverse);
}

TEST(Rope, DynamicRaisesThetaBeyondIt) {
  auto c = config("dynamic");
  c.rope.factor = 2.0;
  const auto f = rope_frequencies(c, 4096);
  // theta * (2 * 4096 / 2048 - 1)^(8 / 6)
  const double theta = 10000.0 * std::pow(3.0, 8.0 / 6.0);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(f.inverse[i], std::pow(theta, -static_cast<double>(i) / 4.0), 1e-14);
  c.rope.original_max_position_embeddings = 1024;  // means nothing here, as in transformers
  EXPECT_EQ(rope_frequencies(c, 4096).inverse, f.inverse);
}

TEST(Rope, Llama3StretchesLongWavelengthsOnly) {
  auto c = config("llama3");
  c.rope.theta = 500000.0;
  c.rope.factor = 8.0;
  c.rope.low_freq_factor = 1.0;
  c.rope.high_freq_factor = 4.0;
  c.rope.original_max_position_embeddings = 64;
  c.head_dim = 16;
  const auto f = rope_frequencies(c, 100);
  ASSERT_EQ(f.inverse.size(), 8u);
  // Wavelengths 2 pi theta^(i/8): 6.3 (kept: below 16), 32.4 (between), 167 and more (stretched).
  EXPECT_NEAR(f.inverse[0], 1.0, 1e-15);
  const double plain = std::pow(500000.0, -1.0 / 8.0);
  const double wavelength = 2 * std::numbers::pi / plain;
  ASSERT_GT(wavelength, 16.0);
  ASSERT_LT(wavelength, 64.0);
  const double smooth = (64.0 / wavelength - 1.0) / 3.0;
  EXPECT_NEAR(f.inverse[1], (1 - smooth) * plain / 8.0 + smooth * plain, 1e-15);
  for (std::size_t i = 2; i < 8; ++i)
    EXPECT_NEAR(f.inverse[i], std::pow(500000.0, -static_cast<double>(i) / 8.0) / 8.0, 1e-15);
}

TEST(Rope, YarnBlendsBetweenTheCorrectionDimensions) {
  auto c = config("yarn");
  c.head_dim = 64;
  c.rope.factor = 4.0;
  c.rope.original_max_position_embeddings = 2048;
  const auto f = rope_frequencies(c, 100);
  // 64 ln(2048 / (32 * 2 pi)) / (2 ln 10000) = 8.06, and 20.10 for one rotation: floor 8, ceil 21.
  for (std::size_t i = 0; i < 32; ++i) {
    const double plain = std::pow(10000.0, -static_cast<double>(i) / 32.0);
    const double ramp = std::clamp((static_cast<double>(i) - 8.0) / 13.0, 0.0, 1.0);
    EXPECT_NEAR(f.inverse[i], plain / 4.0 * ramp + plain * (1 - ramp), 1e-15) << i;
  }
  EXPECT_NEAR(f.attention_factor, 0.1 * std::log(4.0) + 1.0, 1e-15);
}

TEST(Rope, YarnAttentionFactors) {
  auto c = config("yarn");
  c.rope.factor = 16.0;
  c.rope.original_max_position_embeddings = 2048;
  c.rope.mscale = 0.707;
  c.rope.mscale_all_dim = 1.0;
  EXPECT_NEAR(rope_frequencies(c, 9).attention_factor,
              (0.0707 * std::log(16.0) + 1.0) / (0.1 * std::log(16.0) + 1.0), 1e-15);
  c.rope.attention_factor = 1.5;
  EXPECT_EQ(rope_frequencies(c, 9).attention_factor, 1.5);
  c.rope.attention_factor = 0;
  c.rope.mscale = 0;
  c.rope.factor = 1.0;
  EXPECT_EQ(rope_frequencies(c, 9).attention_factor, 1.0);
}

TEST(Rope, YarnWithoutTruncationKeepsFractions) {
  auto c = config("yarn");
  c.head_dim = 64;
  c.rope.factor = 4.0;
  c.rope.original_max_position_embeddings = 2048;
  c.rope.truncate = false;
  const double low = 64 * std::log(2048 / (32 * 2 * std::numbers::pi)) / (2 * std::log(10000.0));
  const double high = 64 * std::log(2048 / (2 * std::numbers::pi)) / (2 * std::log(10000.0));
  const double ramp = (15.0 - low) / (high - low), plain = std::pow(10000.0, -15.0 / 32.0);
  EXPECT_NEAR(rope_frequencies(c, 9).inverse[15], plain / 4 * ramp + plain * (1 - ramp), 1e-15);
}

TEST(Rope, UnknownScalingIsNamed) {
  try {
    rope_frequencies(config("ntk"), 9);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::unsupported);
    EXPECT_EQ(e.message(), "rope scaling 'ntk' is not supported");
    EXPECT_EQ(e.hint(), "known: default, linear, dynamic, llama3, yarn, longrope");
  }
}

TEST(Rope, LongropeHasOneSetOfDivisorsUpToTheOriginalLengthAndOneBeyond) {
  auto c = config("longrope");
  c.rope.original_max_position_embeddings = 32;
  c.rope.factor = 64.0;
  c.rope.short_factor = {1.0, 1.5, 2.0, 2.5};
  c.rope.long_factor = {2.0, 3.0, 4.0, 5.0};
  const double plain[] = {1.0, 0.1, 0.01, 0.001};
  const auto near = rope_frequencies(c, 32), far = rope_frequencies(c, 33);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(near.inverse[i], plain[i] / c.rope.short_factor[i], 1e-15);
    EXPECT_NEAR(far.inverse[i], plain[i] / c.rope.long_factor[i], 1e-15);
  }
  EXPECT_NEAR(near.attention_factor, std::sqrt(1.0 + std::log(64.0) / std::log(32.0)), 1e-15);
  c.rope.attention_factor = 1.25;
  EXPECT_EQ(rope_frequencies(c, 5).attention_factor, 1.25);
}

TEST(Rope, TablesFollowTheLengthWhereTheirScalingDoes) {
  auto c = config("longrope");
  c.rope.original_max_position_embeddings = 32;
  c.rope.short_factor = {1.0, 1.0, 1.0, 1.0};
  c.rope.long_factor = {2.0, 2.0, 2.0, 2.0};
  model::RopeTables tables({c.shape()}, 2048, DType::f64);
  tables.reserve(100);
  EXPECT_EQ(tables.at(0).positions(), 32);
  const auto angle = [&] { return std::acos(tables.at(0).cos().as<double>()[4]); };
  tables.follow(20);
  EXPECT_NEAR(angle(), 1.0, 1e-12);
  tables.follow(40);
  EXPECT_NEAR(angle(), 0.5, 1e-12);
  EXPECT_GE(tables.at(0).positions(), 40);
  tables.follow(32);
  EXPECT_NEAR(angle(), 1.0, 1e-12);
  EXPECT_TRUE(tables.change_between(32, 33));
  EXPECT_FALSE(tables.change_between(33, 60));
  EXPECT_FALSE(tables.depend_on(60));
}

TEST(Rope, TablesHoldCosAndSin) {
  auto c = config("yarn");
  c.rope.factor = 4.0;
  c.rope.original_max_position_embeddings = 2048;
  const auto f = rope_frequencies(c, 50);
  const model::RopeTable exact = rope_table(c, 50, DType::f64),
                         single = rope_table(c, 50, DType::f32);
  ASSERT_EQ(exact.positions(), 50);
  EXPECT_EQ(exact.cos().shape_text(), "(50, 4) f64");
  EXPECT_EQ(single.sin().shape_text(), "(50, 4) f32");
  for (std::int64_t p = 0; p < 50; ++p)
    for (std::int64_t i = 0; i < 4; ++i) {
      const double angle = static_cast<double>(p) * f.inverse[static_cast<std::size_t>(i)];
      EXPECT_NEAR(exact.cos().as<double>()[p * 4 + i], f.attention_factor * std::cos(angle), 1e-14);
      EXPECT_NEAR(exact.sin().as<double>()[p * 4 + i], f.attention_factor * std::sin(angle), 1e-14);
      EXPECT_NEAR(single.sin().as<float>()[p * 4 + i], f.attention_factor * std::sin(angle), 5e-6);
    }
  EXPECT_EQ(model::RopeTable().positions(), 0);
}

}  // namespace
}  // namespace axl::test
