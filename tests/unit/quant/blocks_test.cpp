// GGML's block formats against what the gguf package decodes (fixtures/weights/make_blocks.py), and
// products with matrices in them.
#include <gtest/gtest.h>

#include <cstring>

#include "axl/kernels/table.hpp"
#include "support/paths.hpp"
#include "support/session.hpp"
#include "weights/weight_file.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;
using weights::Storage;

std::vector<Storage> block_storages() {
  std::vector<Storage> out;
  for (int s = 0; s <= static_cast<int>(weights::kLastStorage); ++s)
    if (weights::blocks_of(static_cast<Storage>(s))) out.push_back(static_cast<Storage>(s));
  return out;
}

std::string fixture() { return source_dir() + "/tests/fixtures/weights/blocks.safetensors"; }

class Blocks : public ::testing::TestWithParam<Storage> {
 protected:
  weights::WeightFile file = weights::WeightFile::open(fixture());
  const std::string name{weights::name_of(GetParam())};
  const weights::TensorEntry& stored = file.get(name + ".blocks");
  const weights::TensorEntry& values = file.get(name + ".values");
  const std::int64_t rows = values.shape[0], columns = values.shape[1];

  std::vector<float> expected() const {
    std::vector<float> out(static_cast<std::size_t>(values.elements()));
    weights::to_float(values, 0, values.elements(), out.data());
    return out;
  }
  QuantisedMatrix matrix() const {
    return {.rows = rows,
            .columns = columns,
            .layout = &layout_of(*weights::blocks_of(GetParam())),
            .blocks = stored.bytes.data()};
  }
};

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), 4 * a.size()) == 0;
}

TEST_P(Blocks, DecodeToTheSameBits) {
  weights::TensorEntry entry = stored;
  entry.storage = GetParam();
  entry.shape = values.shape;
  EXPECT_EQ(weights::bytes_of(entry.storage, entry.elements()), std::ssize(entry.bytes));
  std::vector<float> out(expected().size(), -1.0f);
  weights::to_float(entry, 0, entry.elements(), out.data());
  EXPECT_TRUE(same(out, expected()));
}

TEST_P(Blocks, RowsAndTheirTransposeComeFromTheKernels) {
  for (const KernelTable& table : {reference_table(), kokkos_table()}) {
    std::vector<float> y(expected().size(), -1.0f), t(y.size(), -1.0f);
    Queue& queue = session().queue();
    table.decode_rows(DecodeRows<float>{matrix(), nullptr, 0, rows, y.data()}, queue);
    EXPECT_TRUE(same(y, expected())) << table.gemm_backend;
    table.decode_transposed({matrix(), 0, rows, t.data()}, queue);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) {
        const float a = t[static_cast<std::size_t>(c * rows + r)];
        const float b = y[static_cast<std::size_t>(r * columns + c)];
        ASSERT_EQ(std::memcmp(&a, &b, 4), 0) << r << ", " << c;
      }
    const std::vector<std::int32_t> ids{2, 0, 2};
    std::vector<bf16> picked(static_cast<std::size_t>(3 * columns));
    table.decode_rows(DecodeRows<bf16>{matrix(), ids.data(), 0, 3, picked.data()}, queue);
    for (std::int64_t c = 0; c < columns; ++c) {
      EXPECT_EQ(picked[static_cast<std::size_t>(columns + c)].bits,
                bf16(y[static_cast<std::size_t>(c)]).bits);
      EXPECT_EQ(picked[static_cast<std::size_t>(c)].bits,
                picked[static_cast<std::size_t>(2 * columns + c)].bits);
    }
  }
}

TEST_P(Blocks, AFewRowsAreMultipliedWithoutDecodingFirst) {
  // The second row has scales up to the largest of half precision.
  for (const std::int64_t M : {1, 3, 8})
    for (const DType c_type : {DType::f32, DType::bf16}) {
      const DType ab = c_type;
      std::vector<float> a(static_cast<std::size_t>(M * columns)), c(a.size()), e(a.size());
      std::vector<bf16> narrow(a.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] = static_cast<float>(static_cast<int>(i * 7 % 23) - 11) / 16.0f;
        narrow[i] = bf16(a[i]);
      }
      const void* operand = ab == DType::f32 ? static_cast<const void*>(a.data()) : narrow.data();
      const auto run = [&](const KernelTable& table, std::vector<float>& out) {
        table.quantised_gemm({matrix(), operand, out.data(), M, ab, DType::f32, true},
                             session().queue());
      };
      run(reference_table(), e);
      run(kokkos_table(), c);
      for (std::int64_t m = 0; m < M; ++m)
        for (std::int64_t r = 0; r < rows; ++r) {
          const auto at = static_cast<std::size_t>(m * rows + r);
          double scale = 0;
          for (std::int64_t k = 0; k < columns; ++k)
            scale += std::abs(
                static_cast<double>(expected()[static_cast<std::size_t>(r * columns + k)]) *
                static_cast<double>(a[static_cast<std::size_t>(m * columns + k)]));
          EXPECT_NEAR(c[at], e[at], 1e-6 * scale + 1e-30) << m << ", " << r;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Every, Blocks, ::testing::ValuesIn(block_storages()),
                         [](const auto& of) { return std::string(weights::name_of(of.param)); });

TEST(Blocks, InterleavedRowsAreFoundWhereTheyLie) {
  QuantisedMatrix w{.rows = 16, .columns = 0, .interleaved_head_dim = 8};
  std::vector<std::int64_t> order;
  for (std::int64_t r = 0; r < 16; ++r) order.push_back(stored_row(w, r));
  EXPECT_EQ(order,
            (std::vector<std::int64_t>{0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15}));
}

}  // namespace
}  // namespace axl::test
