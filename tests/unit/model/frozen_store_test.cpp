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
  explicit Store(DType compute) : store(kernels, compute) {}
  kernels::KernelTable kernels = kernels::make_kernel_table();
  model::FrozenStore store;
  std::vector<device::Buffer> memory;
  void materialise() { store.materialise(model::private_weight_memory(memory), session().queue()); }
};

/// A matrix that is (rows, columns) in the file; for the head, not for a layer.
quant::MatrixRequest request(const Entry& e, DType stored) {
  return {
      .entry = &e.entry, .rows = e.entry.shape[0], .columns = e.entry.shape[1], .stored = stored};
}

TEST(FrozenStore, SameTypeIsReadFromTheFile) {
  const Entry e(weights::Storage::f32, 4, 6);
  Store s(DType::f32);
  quant::FrozenMatrix v;
  s.store.want(request(e, DType::f32), &v);
  s.materialise();
  EXPECT_EQ(v.format->name, "plain");
  EXPECT_EQ(v.plain.data(), e.entry.bytes.data());
  EXPECT_EQ(v.plain.shape_text(), "(4, 6) f32");
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
        quant::FrozenMatrix v;
        quant::MatrixRequest r = request(e, compute);
        r.may_be_narrow = true;
        r.packed = packed;
        s.store.want(r, &v);
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
  Store s(DType::f32);
  quant::FrozenMatrix matrix, table;
  quant::MatrixRequest r = request(e, DType::bf16);
  r.may_be_narrow = true;
  s.store.want(r, &matrix);
  s.store.want(request(e, DType::f32), &table);
  s.materialise();
  ASSERT_EQ(matrix.format->name, "narrow");
  ASSERT_EQ(matrix.plain.dtype(), DType::bf16);
  ASSERT_EQ(table.plain.dtype(), DType::f32);
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(static_cast<float>(matrix.plain.as<bf16>()[i]), e.values[i]);
    EXPECT_EQ(table.plain.as<float>()[i], e.values[i]);
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
      quant::FrozenMatrix m;
      s.store.want(request(e, compute), &m);
      s.materialise();
      const TensorView v = m.plain;
      for (std::size_t i = 0; i < 16; ++i) {
        const float x =
            compute == DType::f32 ? v.as<float>()[i] : static_cast<float>(v.as<bf16>()[i]);
        EXPECT_EQ(x, expected[i]) << weights::name_of(storage) << " in " << name_of(compute);
      }
    }
  }
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
    EXPECT_EQ(l->weight.plain.dtype(), DType::bf16) << l->name;
    matrices += l->weight.plain.elements();
  }
  EXPECT_EQ(narrow.decoder.mapped_bytes(), 2 * matrices);
  EXPECT_GE(narrow.decoder.weight_bytes(), 4 * (narrow.decoder.total_parameters() - matrices));
  const TinyDecoder full(single, {.compute = DType::f32, .training = {.full = true}});
  EXPECT_EQ(full.decoder.mapped_bytes(), 0);
  EXPECT_EQ(full.decoder.weight_bytes(), 0);
}

}  // namespace
}  // namespace axl::test
