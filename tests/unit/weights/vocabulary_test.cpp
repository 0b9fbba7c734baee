// Embeddings that get rows for added tokens.
#include "weights/vocabulary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/error.hpp"
#include "core/json.hpp"
#include "support/temporary_folder.hpp"
#include "weights/convert.hpp"

namespace axl::test {
namespace {

using namespace axl::weights;

constexpr std::int64_t kOld = 6, kWidth = 400;

class Vocabulary : public ::testing::TestWithParam<Storage> {
 protected:
  Vocabulary() {
    std::vector<float> values(kOld * kWidth);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 13) * 0.25f;
    std::vector<std::byte> bytes(static_cast<std::size_t>(bytes_of(GetParam(), kOld * kWidth)));
    encode(values.data(), kOld * kWidth, GetParam(), bytes.data());
    const auto write = [&](const auto& sink) { sink(bytes); };
    write_safetensors(path(), {{"embed", GetParam(), {kOld, kWidth}, write},
                               {"head", GetParam(), {kOld, kWidth}, write},
                               float_tensor("norm", {kWidth}, values.data())});
    config_.vocab_size = kOld;
    config_.raw = R"({"vocab_size": 6, "initializer_range": 0.5, "kept": [1]})";
    config_.origin = "config.json";
  }
  std::string path() const { return folder_.path() + "/model.safetensors"; }
  static std::vector<float> row(const WeightFile& file, const std::string& name, std::int64_t r) {
    std::vector<float> out(kWidth);
    to_float(file.get(name), r * kWidth, kWidth, out.data());
    return out;
  }

  TemporaryFolder folder_;
  ModelConfig config_;
};

INSTANTIATE_TEST_SUITE_P(Every, Vocabulary,
                         ::testing::Values(Storage::f32, Storage::f16, Storage::bf16),
                         [](const auto& p) { return std::string(name_of(p.param)); });

TEST_P(Vocabulary, OldRowsStayAndNewOnesAreNormal) {
  WeightFile file = WeightFile::open(path());
  const WeightFile before = WeightFile::open(path());
  grow_vocabulary(config_, file, {"embed", "head", "absent"}, 9, {.seed = 7});
  EXPECT_EQ(config_.vocab_size, 9);
  const auto raw = axl::parse_json<nlohmann::json>(config_.raw);
  EXPECT_EQ(raw["vocab_size"], 9);
  EXPECT_EQ(raw["kept"], nlohmann::json::array({1}));
  EXPECT_EQ(file.get("embed").storage, GetParam());
  EXPECT_EQ(file.get("embed").shape, (std::vector<std::int64_t>{9, kWidth}));
  EXPECT_EQ(file.get("norm").shape, (std::vector<std::int64_t>{kWidth}));
  double sum = 0, square = 0;
  for (std::int64_t r = 0; r < 9; ++r) {
    const std::vector<float> ours = row(file, "embed", r);
    if (r < kOld) {
      EXPECT_EQ(ours, row(before, "embed", r));
      continue;
    }
    for (const float x : ours) {
      sum += static_cast<double>(x);
      square += static_cast<double>(x) * static_cast<double>(x);
    }
  }
  const double n = 3 * kWidth;
  EXPECT_NEAR(sum / n, 0.0, 4 * 0.5 / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(square / n), 0.5, 4 * 0.5 / std::sqrt(2 * n));
  EXPECT_NE(row(file, "embed", 7), row(file, "head", 7));

  WeightFile again = WeightFile::open(path());
  config_.vocab_size = kOld;
  grow_vocabulary(config_, again, {"embed", "head"}, 9, {.seed = 7});
  EXPECT_EQ(row(again, "head", 8), row(file, "head", 8));
}

TEST_P(Vocabulary, NewRowsCanBeTheMean) {
  WeightFile file = WeightFile::open(path());
  grow_vocabulary(config_, file, {"embed"}, 8, {.mean = true});
  std::vector<float> mean(kWidth);
  for (std::int64_t r = 0; r < kOld; ++r)
    for (std::size_t c = 0; c < mean.size(); ++c) mean[c] += row(file, "embed", r)[c] / kOld;
  for (std::size_t c = 0; c < mean.size(); ++c) {
    EXPECT_NEAR(row(file, "embed", 6)[c], mean[c], 0.01);
    EXPECT_EQ(row(file, "embed", 7)[c], row(file, "embed", 6)[c]);
  }
}

TEST_P(Vocabulary, NeverShrinks) {
  WeightFile file = WeightFile::open(path());
  grow_vocabulary(config_, file, {"embed"}, kOld, {});
  EXPECT_EQ(file.get("embed").shape[0], kOld);
  EXPECT_THROW(grow_vocabulary(config_, file, {"embed"}, kOld - 1, {}), Error);
}

}  // namespace
}  // namespace axl::test
