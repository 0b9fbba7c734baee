#include "weights/gguf.hpp"

#include <cmath>
#include <random>

#include "weights/gguf_reader.hpp"
#include "weights/gguf_rope.hpp"
#include "weights/model_config.hpp"
#include "weights_testing.hpp"

namespace axl::weights {
namespace {

using testing::bytes_of_value;
using testing::floats;
using testing::refusal;

class Gguf : public testing::Scratch {};

std::string text(const std::string& s) { return bytes_of_value<std::uint64_t>(s.size()) + s; }

/// A GGUF file of one F32 tensor of 8 values, built field by field so that tests can bend it.
struct Plain {
  std::uint32_t version = 3;
  std::uint64_t tensors = 1;
  std::uint64_t values = 1;
  std::string metadata =
      text("general.architecture") + bytes_of_value<std::uint32_t>(8) + text("llama");
  std::string name = "output_norm.weight";
  std::uint32_t dimensions = 1;
  std::vector<std::uint64_t> shape{8};
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  std::string more = "";  ///< after the first tensor's description
  std::size_t data = 32;

  std::string bytes() const {
    std::string out = "GGUF" + bytes_of_value(version) + bytes_of_value(tensors) +
                      bytes_of_value(values) + metadata + text(name) + bytes_of_value(dimensions);
    for (const std::uint64_t d : shape) out += bytes_of_value(d);
    out += bytes_of_value(type) + bytes_of_value(offset) + more;
    out.resize((out.size() + 31) / 32 * 32, '\0');
    return out + std::string(data, '\0');
  }
};

TEST_F(Gguf, DequantisesEveryTypeLikeTheGgufPackage) {
  const WeightFile quantised = WeightFile::open(testing::fixture("types.gguf"));
  const WeightFile expected = WeightFile::open(testing::fixture("types.safetensors"));
  ASSERT_EQ(quantised.tensors().size(), expected.tensors().size());
  for (const TensorEntry& e : expected.tensors()) {
    const TensorEntry& q = quantised.get(e.name);
    ASSERT_EQ(q.shape, e.shape) << e.name;
    const std::vector<float> want = floats(e);
    const std::vector<float> got = floats(q);
    for (std::size_t i = 0; i < want.size(); ++i)  // the compiler may fuse d * q + m
      ASSERT_NEAR(got[i], want[i], 2e-7f * std::abs(want[i]) + 2e-6f) << e.name << "[" << i << "]";
    std::vector<bf16> narrow(got.size());
    to_bf16(q, 0, q.elements(), narrow.data());
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(narrow[i].bits, bf16(got[i]).bits);
  }
}

TEST_F(Gguf, PartsOfReorderedTensorsConvert) {
  const WeightFile in = WeightFile::open(testing::fixture("types.gguf"));
  const TensorEntry& q = in.get("model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(q.interleaved_head_dim, 16);
  EXPECT_EQ(in.get("model.layers.0.self_attn.v_proj.weight").interleaved_head_dim, 0);
  const std::vector<float> whole = floats(q);
  std::vector<float> part(32 * 40);
  to_float(q, 32 * 13, 32 * 40, part.data());
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 32 * 13));
  EXPECT_THROW(to_float(q, 16, 32, part.data()), Error);
}

TEST_F(Gguf, ReadsMetadataOfEveryKind) {
  const GgufMetadata m = read_gguf_metadata(testing::fixture("types.gguf"));
  ASSERT_NE(m.string("general.architecture"), nullptr);
  EXPECT_EQ(*m.string("general.architecture"), "llama");
  EXPECT_EQ(*m.integer("llama.attention.head_count_kv"), 2);
  EXPECT_EQ(m.strings("tokenizer.ggml.tokens")->at(19), "t19");
  EXPECT_EQ(*m.integers("test.integers"), (std::vector<std::int64_t>{3, -4, 5}));
  EXPECT_EQ(std::get<std::vector<double>>(m.values.at("test.reals")),
            (std::vector<double>{0.5, -2.0}));
  EXPECT_TRUE(std::get<bool>(m.values.at("test.flag")));
  EXPECT_EQ(std::get<double>(m.values.at("test.double")), 1.25);
  EXPECT_EQ(*m.integer("test.small"), -7);
  EXPECT_EQ(m.integer("absent"), nullptr);
  EXPECT_EQ(m.string("test.small"), nullptr);
}

TEST_F(Gguf, NamesTranslateBothWays) {
  for (const char* name :
       {"token_embd.weight", "output.weight", "output_norm.weight", "blk.0.attn_norm.weight",
        "blk.12.attn_q.bias", "blk.3.attn_output.weight", "blk.3.ffn_down.weight",
        "blk.3.attn_q_norm.weight", "blk.x.attn_q.weight", "strange", "blk.1.other.weight"})
    EXPECT_EQ(gguf_name(hugging_face_name(name, "llama")), name);
  EXPECT_EQ(hugging_face_name("blk.12.attn_q.bias", "qwen2"),
            "model.layers.12.self_attn.q_proj.bias");
  EXPECT_EQ(hugging_face_name("rope_freqs.weight", "llama"), "");
  EXPECT_EQ(hugging_face_name("blk.3.ffn_norm.weight", "gemma3"),
            "model.layers.3.pre_feedforward_layernorm.weight");
  EXPECT_EQ(hugging_face_name("blk.3.post_attention_norm.weight", "gemma2"),
            "model.layers.3.post_attention_layernorm.weight");
  EXPECT_EQ(hugging_face_name("blk.3.ffn_up.weight", "phi3"),
            "model.layers.3.mlp.gate_up_proj.weight");
}

TEST_F(Gguf, RefusesEveryTruncation) {
  const std::string whole = Plain{}.bytes();
  WeightFile::open(write("good.gguf", whole));
  for (std::size_t n = 0; n < whole.size(); ++n)
    refusal([&] { WeightFile::open(write("cut.gguf", whole.substr(0, n))); });
}

TEST_F(Gguf, RefusesHostileHeaders) {
  const auto fails = [&](const Plain& p, const char* says) {
    const std::string got = refusal([&] { WeightFile::open(write("h.gguf", p.bytes())); });
    EXPECT_NE(got.find(says), std::string::npos) << got;
  };
  const std::uint64_t huge = ~std::uint64_t{0};
  fails({.version = 1}, "version 1");
  fails({.version = 0x03000000}, "big-endian");
  fails({.tensors = huge}, "does not fit");
  fails({.tensors = 2}, "");
  fails({.values = huge}, "does not fit");
  fails({.values = 0}, "");
  fails({.metadata = text("k") + bytes_of_value<std::uint32_t>(99)}, "unknown metadata type");
  fails({.metadata = text("k") + bytes_of_value<std::uint32_t>(8) + bytes_of_value(huge)},
        "truncated");
  fails({.metadata = text("k") + bytes_of_value<std::uint32_t>(9) +
                     bytes_of_value<std::uint32_t>(4) + bytes_of_value(huge / 8)},
        "does not fit");
  fails({.metadata = text("k") + bytes_of_value<std::uint32_t>(9) +
                     bytes_of_value<std::uint32_t>(9) + bytes_of_value<std::uint64_t>(0)},
        "arrays of arrays");
  fails({.metadata = text("k") + bytes_of_value<std::uint32_t>(7) + "\2"}, "boolean");
  fails({.metadata = text("k") + bytes_of_value<std::uint32_t>(10) + bytes_of_value(huge)}, "2^63");
  fails({.metadata = text("general.alignment") + bytes_of_value<std::uint32_t>(4) +
                     bytes_of_value<std::uint32_t>(33)},
        "power of two");
  fails({.metadata = text("") + bytes_of_value<std::uint32_t>(0) + "\1"}, "name has 0 bytes");
  fails({.values = 2,
         .metadata = text("k") + bytes_of_value<std::uint32_t>(0) + "\1" + text("k") +
                     bytes_of_value<std::uint32_t>(0) + "\1"},
        "twice");
  fails({.dimensions = 0, .shape = {}}, "dimensions");
  fails({.dimensions = 5, .shape = {1, 1, 1, 1, 1}}, "dimensions");
  fails({.shape = {huge}}, "2^63");
  fails({.dimensions = 2, .shape = {std::uint64_t{1} << 40, std::uint64_t{1} << 40}},
        "impossible shape");
  fails({.shape = {9}}, "ends beyond the file");
  fails({.type = 77}, "unknown type 77");
  fails({.type = 9, .data = 4096}, "the file holds Q8_1 (1 tensor)");
  fails({.type = 36, .data = 4096}, "IQ4_NL_4_4");
  fails({.type = 8}, "do not fill the blocks");
  fails({.offset = 16}, "not aligned");
  fails({.offset = huge / 32 * 32}, "ends beyond the file");
  fails({.name = "blk.0.attn_q.weight"}, "heads");
  const std::string second = bytes_of_value<std::uint32_t>(1) + bytes_of_value<std::uint64_t>(8) +
                             bytes_of_value<std::uint32_t>(0) + bytes_of_value<std::uint64_t>(0);
  fails({.tensors = 2, .more = text("other") + second}, "overlap");
  fails({.tensors = 2, .more = text("output_norm.weight") + second}, "two tensors");
}

TEST_F(Gguf, DescribingAModelRefusesWhatItCannotMean) {
  const Plain divisors{.name = "rope_freqs.weight", .shape = {0}, .data = 0};
  const std::string says =
      refusal([&] { read_model_config(write("divisors.gguf", divisors.bytes())); });
  EXPECT_NE(says.find("head_dim / 2"), std::string::npos) << says;
  // Texts of a GGUF need not be UTF-8, those of the JSON that it becomes have to be.
  const Plain latin{.metadata = text("general.architecture") + bytes_of_value<std::uint32_t>(8) +
                                text("l\xFF")};
  EXPECT_EQ(read_model_config(write("latin.gguf", latin.bytes())).architecture, "l\uFFFD");
}

TEST_F(Gguf, RandomDamageNeverCrashes) {
  const std::string whole = testing::read_all(testing::fixture("types.gguf"));
  std::mt19937 random(5);
  for (int round = 0; round < 400; ++round) {
    std::string bytes = whole;
    for (int hits = 1 + static_cast<int>(random() % 4); hits > 0; --hits)
      bytes[random() % 1400] = static_cast<char>(random());
    try {
      const WeightFile in = WeightFile::open(write("m.gguf", bytes));
      for (const TensorEntry& t : in.tensors()) floats(t);
    } catch (const Error& e) {
      EXPECT_TRUE(e.code() == ErrorCode::input || e.code() == ErrorCode::unsupported) << e.what();
    }
  }
}

TEST_F(Gguf, FindsLlama3ScalingFromItsDivisors) {
  for (const std::int64_t context : {16, 8192, 65536}) {
    const Llama3Scaling made{.factor = 8.0, .original_max_position_embeddings = context};
    const double theta = context == 16 ? 10000.0 : 500000.0;
    const std::int64_t head_dim = context == 16 ? 16 : 64;
    const std::vector<float> divisors = llama3_divisors(made, theta, head_dim);
    const Llama3Scaling found = llama3_scaling_of(divisors, theta, "x.gguf");
    EXPECT_EQ(llama3_divisors(found, theta, head_dim), divisors);
  }
  refusal([] { llama3_scaling_of({1.0f, 3.0f, 2.0f, 7.0f}, 10000.0, "x.gguf"); });
}

}  // namespace
}  // namespace axl::weights
