#include "weights/finite.hpp"

#include <array>
#include <cmath>
#include <limits>

#include "weights/convert.hpp"
#include "weights_testing.hpp"

namespace axl::weights {
namespace {

using testing::refusal;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A tensor of 3 rows of 4096 in `storage`, with `bad` at row 2, column 5.
struct Spoilt {
  Spoilt(Storage storage, float bad) : values(3 * 4096, 0.5f) {
    values[2 * 4096 + 5] = bad;
    bytes.resize(static_cast<std::size_t>(bytes_of(storage, 3 * 4096)));
    encode(values.data(), 3 * 4096, storage, bytes.data());
    entry = {.name = "w", .storage = storage, .shape = {3, 4096}, .bytes = bytes, .file = &path};
  }
  std::string path = "model.safetensors";
  std::vector<float> values;
  std::vector<std::byte> bytes;
  TensorEntry entry;
};

TEST(Finite, EveryReaderNamesFileTensorAndElement) {
  for (const Storage storage : {Storage::f32, Storage::f16, Storage::bf16})
    for (const float bad : {kInf, -kInf, kNan}) {
      const Spoilt t(storage, bad);
      std::vector<float> floats(3 * 4096);
      std::vector<bf16> brain(3 * 4096);
      for (const std::string& says :
           {refusal([&] { to_finite_float(t.entry, 0, 3 * 4096, floats.data()); }),
            refusal([&] { to_finite_float(t.entry, 2 * 4096 + 1, 9, floats.data()); }),
            refusal([&] { to_finite_bf16(t.entry, 0, 3 * 4096, brain.data()); }),
            refusal([&] { require_finite(t.entry, 0, 3 * 4096); }),
            refusal([&] { converted(t.entry, storage).write([](auto) {}); }),
            refusal([&] { converted(t.entry, Storage::f32).write([](auto) {}); })})
        EXPECT_NE(says.find("model.safetensors: tensor 'w' at element 8197 (row 2, column 5): the "
                            "value is " +
                            std::string(std::isnan(bad) ? "nan"
                                        : bad > 0       ? "inf"
                                                        : "-inf")),
                  std::string::npos)
            << says;
      to_finite_float(t.entry, 0, 2 * 4096, floats.data());  // before it
      require_finite(t.entry, 2 * 4096 + 6, 4096 - 6);       // behind it
    }
}

TEST(Finite, ScalesOfBlocksAreLookedAt) {
  Spoilt t(Storage::q8_0, 0.5f);
  t.bytes[34 * 7 + 1] = std::byte{0x7C};  // the scale of block 7 is infinite
  EXPECT_NE(refusal([&] { require_finite(t.entry, 0, 3 * 4096); }).find("at element 224"),
            std::string::npos);
}

TEST(Finite, LargeFiniteValuesPassWhereTheyFit) {
  const Spoilt t(Storage::f32, 3.4e38f);
  std::vector<float> floats(3 * 4096);
  to_finite_float(t.entry, 0, 3 * 4096, floats.data());
  EXPECT_EQ(floats[2 * 4096 + 5], 3.4e38f);
  std::vector<bf16> brain(3 * 4096);
  const std::string says = refusal([&] { to_finite_bf16(t.entry, 0, 3 * 4096, brain.data()); });
  EXPECT_NE(says.find("3.4e+38 becomes infinite in BF16"), std::string::npos) << says;
}

TEST(Finite, OverflowNamesValueAndTheTypesThatHoldIt) {
  const struct {
    Storage target;
    float fits, overflows;
    const char* says;
  } cases[] = {
      {Storage::f16, 65519.996f, 65520.0f, "too large for F16\n  hint: BF16 and F32 hold it"},
      {Storage::f16, -65504.0f, -70144.0f, "the value -70144 is too large for F16"},
      {Storage::f16, 1.0f, 3.4e38f, "hint: F32 holds it"},
      {Storage::bf16, 3.3895e38f, 3.4e38f, "too large for BF16\n  hint: F32 holds it"},
      {Storage::q8_0, 8.32e6f, -8.4e6f, "too large for Q8_0\n  hint: BF16 and F32 hold it"},
  };
  std::array<std::byte, 256> out{};
  for (const auto& c : cases) {
    std::vector<float> values(32, 0.25f);
    values[7] = c.fits;
    encode_finite("w", 64, values.data(), 32, c.target, out.data());
    std::vector<float> back(32);
    to_float({"", c.target, {32}, std::span(out).first(std::size_t(bytes_of(c.target, 32)))}, 0, 32,
             back.data());
    for (const float v : back) EXPECT_TRUE(std::isfinite(v)) << c.fits;
    values[7] = c.overflows;
    const std::string says =
        refusal([&] { encode_finite("w", 64, values.data(), 32, c.target, out.data()); });
    EXPECT_NE(says.find("tensor 'w' at element 71: "), std::string::npos) << says;
    EXPECT_NE(says.find(c.says), std::string::npos) << says;
  }
  const float bad[] = {0.0f, kNan};
  EXPECT_THROW(encode_finite("w", 0, bad, 2, Storage::f32, out.data()), Error);
}

}  // namespace
}  // namespace axl::weights
