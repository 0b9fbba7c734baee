#include "weights/convert.hpp"

#include <cmath>
#include <random>

#include "weights/gguf.hpp"
#include "weights_testing.hpp"

namespace axl::weights {
namespace {

using testing::floats;

class Convert : public testing::Scratch {};

std::vector<float> normal(std::size_t n) {
  std::mt19937 random(3);
  std::normal_distribution<float> draw;
  std::vector<float> out(n);
  for (float& v : out) v = draw(random);
  return out;
}

TEST_F(Convert, RoundsToTheTarget) {
  const std::vector<float> in = normal(64);
  std::vector<std::byte> out(256);
  encode(in.data(), 64, Storage::bf16, out.data());
  const TensorEntry brain{"b", Storage::bf16, {64}, std::span(out).first(128)};
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(floats(brain)[i], static_cast<float>(bf16(in[i])));
  encode(in.data(), 64, Storage::f16, out.data());
  const TensorEntry half{"h", Storage::f16, {64}, std::span(out).first(128)};
  for (std::size_t i = 0; i < 64; ++i) EXPECT_NEAR(floats(half)[i], in[i], 0x1p-10f);
  encode(in.data(), 64, Storage::q8_0, out.data());
  const TensorEntry eight{"q", Storage::q8_0, {64}, std::span(out).first(68)};
  for (std::size_t i = 0; i < 64; ++i) EXPECT_NEAR(floats(eight)[i], in[i], 4.0f / 127.0f);
  const std::vector<float> zeros(32, 0.0f);
  encode(zeros.data(), 32, Storage::q8_0, out.data());
  EXPECT_EQ(floats({"z", Storage::q8_0, {32}, std::span(out).first(34)}), zeros);
  EXPECT_THROW(encode(in.data(), 32, Storage::q4_k, out.data()), Error);
}

TEST_F(Convert, ShardsOpenAsOneModel) {
  const std::vector<float> values = normal(64);
  std::vector<TensorToWrite> tensors;
  for (const char* name : {"a", "b", "c"})
    tensors.push_back(float_tensor(name, {8, 8}, values.data()));
  write_model_safetensors(folder_.string(), tensors, 600);
  EXPECT_TRUE(std::filesystem::exists(path("model-00002-of-00002.safetensors")));
  const WeightFile in = WeightFile::open(folder_.string());
  ASSERT_EQ(in.tensors().size(), 3u);
  EXPECT_EQ(floats(in.get("c")), values);
}

TEST_F(Convert, GgufFilesRoundTrip) {
  const std::vector<float> values = normal(64 * 32);
  GgufMetadata metadata;
  metadata.values = {{"general.architecture", std::string("llama")},
                     {"llama.attention.head_count", std::int64_t{4}},
                     {"llama.attention.head_count_kv", std::int64_t{2}},
                     {"llama.rope.freq_base", 1e4},
                     {"negative", std::int64_t{-3}},
                     {"wide", std::int64_t{1} << 40},
                     {"flag", true},
                     {"texts", std::vector<std::string>{"a", "", "\xC3\xA4"}},
                     {"integers", std::vector<std::int64_t>{1, -2}},
                     {"wide_integers", std::vector<std::int64_t>{1, 1LL << 40}},
                     {"reals", std::vector<double>{0.5, 2.0}}};
  const std::string q = "model.layers.0.self_attn.q_proj.";
  const std::vector<TensorToWrite> tensors{
      float_tensor("model.embed_tokens.weight", {3, 32}, values.data()),
      float_tensor(q + "weight", {64, 32}, values.data()),
      float_tensor(q + "bias", {64}, values.data()),
      float_tensor("model.layers.0.self_attn.k_proj.weight", {32, 32}, values.data()),
      float_tensor("lm_head.weight", {1, 5}, values.data())};
  write_gguf(path("a.gguf"), metadata, tensors);
  const GgufMetadata back = read_gguf_metadata(path("a.gguf"));
  for (const auto& [key, value] : metadata.values) EXPECT_EQ(back.values.at(key), value) << key;
  const WeightFile in = WeightFile::open(path("a.gguf"));
  ASSERT_EQ(in.tensors().size(), tensors.size());
  for (const TensorToWrite& t : tensors) {
    const TensorEntry& e = in.get(t.name);
    EXPECT_EQ(e.shape, t.shape);
    const std::vector<float> got = floats(e);
    EXPECT_TRUE(std::equal(got.begin(), got.end(), values.begin())) << t.name;
  }
  EXPECT_EQ(in.get(q + "weight").interleaved_head_dim, 16);
}

TEST_F(Convert, ConvertedTensorsEqualTheirSource) {
  const WeightFile in = WeightFile::open(testing::fixture("types.gguf"));
  std::vector<TensorToWrite> out;
  for (const TensorEntry& t : in.tensors()) out.push_back(converted(t, Storage::f32));
  write_model_safetensors(folder_.string(), out);
  const WeightFile back = WeightFile::open(folder_.string());
  for (const TensorEntry& t : in.tensors()) EXPECT_EQ(floats(back.get(t.name)), floats(t));
}

}  // namespace
}  // namespace axl::weights
