// Frozen weights: mapped, converted, packed; one block for all.
#include "model/frozen_store.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "core/error.hpp"
#include "unit/model/tiny_model.hpp"

namespace axl::test {
namespace {

using tensor::TensorView;

/// A tensor entry over memory of the test, as a weight file would show it.
struct Entry {
  std::vector<float> values;
  std::vector<std::byte> bytes;
  weights::TensorEntry entry;
  Entry(weights::Storage storage, std::int64_t rows, std::int64_t columns, std::size_t shift = 0) {
    for (std::int64_t i = 0; i < rows * columns; ++i)
      values.push_back(static_cast<float>(i * 7 % 61) * 0.5f - 3.0f);  // exact in bf16
    const std::size_t width = storage == weights::Storage::bf16 ? 2 : 4;
    bytes.resize(values.size() * width + shift + 8);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bf16 b(values[i]);
      std::memcpy(bytes.data() + shift + i * width,
                  width == 2 ? static_cast<const void*>(&b) : static_cast<const void*>(&values[i]),
                  width);
    }
    entry = {.name = "w", .storage = storage, .shape = {rows, columns}};
    entry.bytes = std::span<const std::byte>(bytes).subspan(shift, values.size() * width);
  }
};

struct Store {
  explicit Store(DType compute) : Store(compute, compute) {}
  Store(DType compute, DType stored) : store(kernels, compute, stored) {}
  kernels::KernelTable kernels = kernels::make_kernel_table();
  model::FrozenStore store;
  std::vector<device::Buffer> memory;
  void materialise() { store.materialise(model::private_weight_memory(memory), session().queue()); }
};

TEST(FrozenStore, SameTypeIsReadFromTheFile) {
  const Entry e(weights::Storage::f32, 4, 6);
  Store s(DType::f32);
  TensorView v;
  s.store.want(e.entry, &v);
  s.materialise();
  EXPECT_EQ(v.data(), e.entry.bytes.data());
  EXPECT_EQ(v.shape_text(), "(4, 6) f32");
  EXPECT_EQ(s.store.bytes(), 0);
  EXPECT_EQ(s.store.mapped_bytes(), 96);
  EXPECT_TRUE(s.memory.empty());
}

TEST(FrozenStore, NanAndInfinityAreRefusedMappedConvertedAndPacked) {
  for (const weights::Storage storage : {weights::Storage::f32, weights::Storage::bf16})
    for (const DType compute : {DType::f32, DType::bf16})
      for (const bool packed : {false, true}) {
        Entry e(storage, 4, 6);
        e.bytes[14 * (e.bytes.size() - 8) / 24 + (storage == weights::Storage::f32 ? 3 : 1)] =
            std::byte{0x7F};
        e.bytes[14 * (e.bytes.size() - 8) / 24 + (storage == weights::Storage::f32 ? 2 : 0)] =
            std::byte{0x80};
        e.entry.name = "layers.0.w";
        Store s(compute);
        TensorView v;
        kernels::PackedMatrix forward, backward;
        if (!packed || !s.store.want_packed(e.entry, true, &forward) ||
            !s.store.want_packed(e.entry, false, &backward))
          s.store.want(e.entry, &v, true);
        try {
          s.materialise();
          ADD_FAILURE() << "accepted";
        } catch (const Error& error) {
          EXPECT_NE(error.message().find("tensor 'layers.0.w' at element 14 (row 2, column 2)"),
                    std::string::npos)
              << error.what();
        }
      }
}

TEST(FrozenStore, AMisalignedTensorIsCopied) {
  const Entry e(weights::Storage::f32, 4, 6, 2);
  Store s(DType::f32);
  TensorView v;
  s.store.want(e.entry, &v);
  s.materialise();
  EXPECT_NE(v.data(), e.entry.bytes.data());
  EXPECT_EQ(std::vector<float>(v.as<float>(), v.as<float>() + 24), e.values);
}

TEST(FrozenStore, OtherTypesAreConverted) {
  const Entry half(weights::Storage::bf16, 4, 6), single(weights::Storage::f32, 4, 6);
  for (const DType compute : {DType::f32, DType::bf16, DType::f64}) {
    Store s(compute);
    TensorView a, b;
    s.store.want(half.entry, &a);
    s.store.want(single.entry, &b);
    s.materialise();
    for (std::int64_t i = 0; i < 24; ++i)
      for (const TensorView v : {a, b}) {
        const double x = compute == DType::f64 ? v.as<double>()[i]
                         : compute == DType::f32
                             ? static_cast<double>(v.as<float>()[i])
                             : static_cast<double>(static_cast<float>(v.as<bf16>()[i]));
        EXPECT_EQ(x, static_cast<double>(half.values[static_cast<std::size_t>(i)]));
      }
  }
}

TEST(FrozenStore, MatricesThatHaveToBeConvertedBecomeWhatIsStored) {
  const Entry e(weights::Storage::f32, 4, 6, 1);  // not where a float may lie
  Store s(DType::f32, DType::bf16);
  TensorView matrix, table;
  s.store.want(e.entry, &matrix, true);
  s.store.want(e.entry, &table);
  s.materialise();
  ASSERT_EQ(matrix.dtype(), DType::bf16);
  ASSERT_EQ(table.dtype(), DType::f32);
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(static_cast<float>(matrix.as<bf16>()[i]), e.values[i]);
    EXPECT_EQ(table.as<float>()[i], e.values[i]);
  }
}

/// llama.cpp keeps the rows of q and k with their rotary halves interleaved: such bytes must never
/// be used as they are, whatever their type.
TEST(FrozenStore, InterleavedRowsAreReorderedInEveryType) {
  for (const auto storage : {weights::Storage::f32, weights::Storage::bf16}) {
    Entry e(storage, 8, 2);
    e.entry.interleaved_head_dim = 4;
    std::vector<float> expected(16);
    weights::to_float(e.entry, 0, 16, expected.data());
    EXPECT_NE(expected, e.values);
    for (const DType compute : {DType::f32, DType::bf16}) {
      Store s(compute);
      TensorView v;
      s.store.want(e.entry, &v);
      s.materialise();
      for (std::size_t i = 0; i < 16; ++i) {
        const float x =
            compute == DType::f32 ? v.as<float>()[i] : static_cast<float>(v.as<bf16>()[i]);
        EXPECT_EQ(x, expected[i]) << weights::name_of(storage) << " in " << name_of(compute);
      }
    }
  }
}

TEST(FrozenStore, PackedCopiesMultiplyAsThePlainOnes) {
  const Entry e(weights::Storage::bf16, 24, 16);
  Store s(DType::f32);
  kernels::PackedMatrix forward, backward;
  ASSERT_TRUE(s.store.want_packed(e.entry, true, &forward));
  ASSERT_TRUE(s.store.want_packed(e.entry, false, &backward));
  s.materialise();
  EXPECT_EQ(forward.K, 16);
  EXPECT_EQ(forward.N, 24);
  EXPECT_EQ(backward.K, 24);
  EXPECT_EQ(backward.N, 16);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(backward.data) % 64, 0u);
  Bench bench(1 << 20);
  ops::Context ctx = bench.context();
  std::vector<float> x(3 * 24, 0.5f), y(3 * 24), dx(3 * 16), plain_y(3 * 24), plain_dx(3 * 16);
  std::vector<float> w = e.values;
  const TensorView weight(w.data(), DType::f32, {24, 16});
  const auto view = [](std::vector<float>& v, std::int64_t c) {
    return TensorView(v.data(), DType::f32, {3, c});
  };
  const TensorView a(x.data(), DType::f32, {3, 16}), d(x.data(), DType::f32, {3, 24});
  ops::matmul(ctx, a, {}, view(y, 24), {.trans_b = true, .packed_b = &forward});
  ops::matmul(ctx, d, {}, view(dx, 16), {.packed_b = &backward});
  ops::matmul(ctx, a, weight, view(plain_y, 24), {.trans_b = true});
  ops::matmul(ctx, d, weight, view(plain_dx, 16), {});
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], plain_y[i], 1e-3);
  for (std::size_t i = 0; i < dx.size(); ++i) EXPECT_NEAR(dx[i], plain_dx[i], 1e-3);
}

TEST(FrozenStore, DoubleIsNotPacked) {
  const Entry e(weights::Storage::f32, 4, 6);
  Store s(DType::f64);
  kernels::PackedMatrix m;
  EXPECT_FALSE(s.store.want_packed(e.entry, true, &m));
  EXPECT_EQ(s.store.bytes(), 0);
}

TEST(FrozenStore, TheOthersOfANodeDoNotWrite) {
  const Entry e(weights::Storage::bf16, 4, 6);
  Store s(DType::f32);
  TensorView v;
  s.store.want(e.entry, &v);
  model::WeightMemory memory = model::private_weight_memory(s.memory);
  memory.fills = false;
  bool fenced = false;
  memory.fence = [&] { fenced = true; };
  s.store.materialise(memory, session().queue());
  EXPECT_TRUE(fenced);
  for (std::int64_t i = 0; i < 24; ++i) EXPECT_EQ(v.as<float>()[i], 0.0f) << "the writer fills it";
}

TEST(FrozenStore, AModelMapsWhatItCan) {
  const TinyWeights single({}), half({.storage = weights::Storage::bf16});
  const TinyDecoder mapped(single, {.compute = DType::f32, .training = {.lora = tiny_lora()}});
  EXPECT_EQ(mapped.decoder.weight_bytes(), 0);
  EXPECT_EQ(mapped.decoder.mapped_bytes(), 4 * mapped.decoder.total_parameters());
  // Matrices stay bf16 under f32; the embedding and the norms are converted.
  TinyDecoder narrow(half, {.compute = DType::f32, .training = {.lora = tiny_lora()}});
  std::int64_t matrices = 0;
  for (const auto* l : narrow.decoder.linears()) {
    EXPECT_EQ(l->weight.dtype(), DType::bf16) << l->name;
    matrices += l->weight.elements();
  }
  EXPECT_EQ(narrow.decoder.mapped_bytes(), 2 * matrices);
  EXPECT_GE(narrow.decoder.weight_bytes(), 4 * (narrow.decoder.total_parameters() - matrices));
  const TinyDecoder full(single, {.compute = DType::f32, .training = {.full = true}});
  EXPECT_EQ(full.decoder.mapped_bytes(), 0);
  EXPECT_EQ(full.decoder.weight_bytes(), 0);
}

}  // namespace
}  // namespace axl::test
