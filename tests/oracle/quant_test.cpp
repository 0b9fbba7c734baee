// What bitsandbytes computes: codes and scales of 4-bit matrices, equal to the bit, and values as
// the program decodes them. Where a block of 64 spans rows of a multiple of 16 columns, the
// recorded values are other ones: those of bitsandbytes' AVX-512 code, which counts whole blocks a
// row. The program does not repeat that; there the test shows that nothing but the choice of scales
// is different.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <set>

#include "axl/kernels/table.hpp"
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

}  // namespace
}  // namespace axl::test
