// What bitsandbytes computes: codes and scales of 4-bit matrices, equal to the bit, values as the
// program decodes them, and models over them. Where a block of 64 spans rows of a multiple of 16
// columns, the recorded values are other ones: those of bitsandbytes' AVX-512 code, which counts
// whole blocks a row. The program does not repeat that; there the test shows that nothing but the
// choice of scales is different.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <set>

#include "axl/kernels/table.hpp"
#include "model/load_adapter.hpp"
#include "oracle/model_case.hpp"
#include "oracle/oracle_folder.hpp"
#include "support/session.hpp"
#include "weights/weight_file.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

template <class T>
std::vector<T> recorded(const weights::WeightFile& file, const std::string& name) {
  const weights::TensorEntry& e = file.get(name);
  std::vector<T> out(e.bytes.size() / sizeof(T));
  std::memcpy(out.data(), e.bytes.data(), e.bytes.size());
  return out;
}

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// "normal.nf4.dq" or "normal.nf4.dq.bf16".
void compare(const weights::WeightFile& file, const std::string& name) {
  const FourBitType type =
      name.find(".fp4") != std::string::npos ? FourBitType::fp4 : FourBitType::nf4;
  const bool nested = name.find(".dq") != std::string::npos;
  const bool narrow = name.ends_with(".bf16");
  std::vector<float> x = recorded<float>(file, name.substr(0, name.find('.')) + ".x");
  if (narrow)
    for (float& v : x) v = static_cast<float>(bf16(v));
  const std::int64_t n = std::ssize(x), block = 64, blocks = four_bit_blocks(n, block);
  std::vector<std::byte> codes(static_cast<std::size_t>(four_bit_bytes(n)));
  std::vector<float> absmax(static_cast<std::size_t>(blocks));
  kokkos_table().quantise_four_bit({type, x.data(), n, block, codes.data(), absmax.data()},
                                   session().queue());
  EXPECT_TRUE(same(codes, recorded<std::byte>(file, name + ".packed"))) << name;
  FourBitArray array{type, codes.data(), n, block, {.absmax = absmax.data()}};
  const std::int64_t columns = file.get(name + ".dequant").shape.back();
  const bool other_scales = columns % block != 0 && columns % 16 == 0;
  std::vector<std::uint8_t> scales(static_cast<std::size_t>(blocks));
  std::vector<float> outer(static_cast<std::size_t>(four_bit_blocks(blocks, kNestedBlock)));
  if (nested) {
    const float offset = nest_scales(absmax.data(), blocks, scales.data(), outer.data());
    EXPECT_EQ(offset, recorded<float>(file, name + ".absmax_offset")[0]) << name;
    EXPECT_TRUE(same(scales, recorded<std::uint8_t>(file, name + ".absmax"))) << name;
    EXPECT_TRUE(same(outer, recorded<float>(file, name + ".absmax2"))) << name;
    array.scales = {.codes = scales.data(), .nested_absmax = outer.data(), .offset = offset};
  } else {
    EXPECT_TRUE(same(absmax, recorded<float>(file, name + ".absmax"))) << name;
  }
  std::vector<float> values(x.size());
  const auto alike = [&] {
    decode(array, 0, n, values.data());
    if (!narrow) return same(values, recorded<float>(file, name + ".dequant"));
    std::vector<bf16> rounded;
    for (const float v : values) rounded.emplace_back(v);
    return same(rounded, recorded<bf16>(file, name + ".dequant"));
  };
  EXPECT_EQ(alike(), !other_scales) << name;
  if (other_scales) {
    array.avx512_row = columns;
    EXPECT_TRUE(alike()) << name;
  }
  std::printf("%-24s codes and scales alike, %lld values %s\n", name.c_str(),
              static_cast<long long>(n),
              other_scales ? "alike only with the scales of AVX-512" : "alike");
}

TEST(Oracle, FourBit) {
  const std::string path = oracle::folder("quant") / "quant.safetensors";
  if (!std::filesystem::exists(path)) {
    std::printf("no oracles found\n");
    GTEST_SKIP();
  }
  const weights::WeightFile file = weights::WeightFile::open(path);
  int run = 0;
  for (const weights::TensorEntry& t : file.tensors()) {
    if (!t.name.ends_with(".packed")) continue;
    compare(file, t.name.substr(0, t.name.size() - 7));
    ++run;
  }
  EXPECT_GT(run, 0);
}

/// As bitsandbytes computed on the machine that recorded: see the top of this file.
void decode_as_recorded(weights::WeightFile& file) {
  std::vector<weights::TensorEntry> changed;
  for (const weights::TensorEntry& t : file.tensors()) {
    if (t.four_bit == nullptr) continue;
    auto side = std::make_shared<weights::FourBitSide>(*t.four_bit);
    side->as_avx512 = true;
    changed.push_back(t);
    changed.back().four_bit = std::move(side);
  }
  for (weights::TensorEntry& t : changed) file.replace(t, t.four_bit);
}

std::int64_t in_format(model::Decoder& decoder, std::string_view name) {
  std::int64_t count = 0;
  for (const adapter::Linear* l : decoder.linears()) count += l->weight.format->name == name;
  return count;
}

/// A model of transformers in 4 bits, with and without an adapter that was trained over it.
TEST(Oracle, ModelsInFourBits) {
  const std::filesystem::path root = oracle::folder("quant");
  if (!std::filesystem::exists(root / "quant.json")) GTEST_SKIP();
  const nlohmann::json expected = read_json((root / "quant.json").string());
  for (const std::string name : {"model_nf4_dq", "model_fp4"}) {
    const std::string folder = (root / name).string();
    const bool nf4 = name == "model_nf4_dq";
    const auto recorded = weights::WeightFile::open(folder + "/oracle.safetensors");
    const UnpaddedRows rows =
        unpad(integers(recorded, "input_ids"), integers(recorded, "attention_mask"),
              integers(recorded, "labels"), recorded.get("input_ids").shape[1]);
    const auto files = adapter::AdapterFiles::open(folder + "/adapter");
    ModelCase m(folder, "config.json",
                {.compute = DType::f32, .training = {.lora = files.config()}}, &decode_as_recorded);
    EXPECT_EQ(in_format(*m.decoder, nf4 ? "nf4" : "fp4"), std::ssize(m.decoder->linears()));
    const std::int64_t V = m.config.vocab_size;
    const double bare = worst_logit(m.logits(rows.batch()), floats(recorded, "logits"), rows, V);
    EXPECT_LE(bare, 1e-4) << name;
    const double loss = m.evaluate(rows.batch(), rows.labels);
    EXPECT_NEAR(loss, expected.at(name).at("loss").get<double>(), 1e-5) << name;
    ops::Context ctx = m.bench.context();
    model::load_adapter(ctx, *m.decoder, files);
    const double adapted =
        worst_logit(m.logits(rows.batch()), floats(recorded, "qlora_logits"), rows, V);
    EXPECT_LE(adapted, 1e-4) << name;
    m.decoder->parameters().zero_grad();
    const double qlora_loss = m.forward_backward(rows.batch(), rows.labels);
    EXPECT_NEAR(qlora_loss, expected.at(name).at("qlora_loss").get<double>(), 1e-5) << name;
    double worst = 0;
    std::int64_t gradients = 0;
    for (const weights::TensorEntry& t : recorded.tensors()) {
      if (!t.name.starts_with("grad.")) continue;
      ++gradients;
      const tensor::Parameter* p = m.decoder->parameters().find(t.name.substr(5));
      ASSERT_NE(p, nullptr) << t.name;
      std::vector<float> diff = floats(recorded, t.name);
      const double scale = norm(diff.data(), p->elements());
      for (std::size_t i = 0; i < diff.size(); ++i) diff[i] -= p->grad.as<float>()[i];
      worst = std::max(worst, norm(diff.data(), p->elements()) / std::max(scale, 1e-12));
    }
    EXPECT_GT(gradients, 0);
    EXPECT_LE(worst, 1e-4) << name;

    // load_in_4bit gives the bytes that transformers saved.
    ModelCase made((root / "../arch/llama_gqa").string(), "config.json",
                   {.compute = DType::f32,
                    .training = {.lora = files.config()},
                    .four_bit = quant::FourBitOptions{
                        .type = nf4 ? FourBitType::nf4 : FourBitType::fp4, .double_quant = nf4}});
    for (const adapter::Linear* l : made.decoder->linears()) {
      const weights::TensorEntry& e = m.weights.get(l->name + ".weight");
      const FourBitArray ours = l->weight.quantised.four_bit, theirs = weights::four_bit_array(e);
      EXPECT_EQ(std::memcmp(ours.data, theirs.data, e.bytes.size()), 0) << l->name;
      EXPECT_EQ(ours.scales.offset, theirs.scales.offset) << l->name;
      const auto blocks = static_cast<std::size_t>(four_bit_blocks(ours.elements, ours.block));
      if (nf4)
        EXPECT_EQ(std::memcmp(ours.scales.codes, theirs.scales.codes, blocks), 0) << l->name;
      else
        EXPECT_EQ(std::memcmp(ours.scales.absmax, theirs.scales.absmax, 4 * blocks), 0) << l->name;
    }
    std::printf("%-24s logits %.1e with adapter %.1e gradients %.1e, codes and scales alike\n",
                name.c_str(), bare, adapted, worst);
  }
}

}  // namespace
}  // namespace axl::test
