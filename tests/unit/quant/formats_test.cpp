// How frozen matrices lie and are multiplied: every format against the values that it stands for.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "device/arena.hpp"
#include "quant/frozen_matrix.hpp"
#include "support/session.hpp"
#include "weights/convert.hpp"

namespace axl::test {
namespace {

using quant::FrozenMatrix;
using quant::MatrixRequest;
using tensor::TensorView;

constexpr std::int64_t kRows = 100, kColumns = 96;

float random_value(std::uint64_t stream, std::int64_t i) {
  return static_cast<float>(2 * random_uniform(11, stream, static_cast<std::uint64_t>(i)) - 1);
}

/// A (rows, columns) matrix as a file has it, transposed for a Conv1D.
struct Source {
  std::vector<std::byte> bytes;
  weights::TensorEntry entry;

  Source(weights::Storage storage, bool conv1d) {
    std::vector<float> values(static_cast<std::size_t>(kRows * kColumns));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = random_value(1, static_cast<std::int64_t>(i));
    entry = {.name = "layer.w", .storage = storage, .shape = {kRows, kColumns}};
    if (conv1d) entry.shape = {kColumns, kRows};
    bytes.resize(static_cast<std::size_t>(weights::bytes_of(storage, kRows * kColumns)));
    weights::encode(values.data(), kRows * kColumns, storage, bytes.data());
    entry.bytes = bytes;
  }
};

struct Case {
  const char* name;  ///< of the format that it must become
  weights::Storage storage;
  DType compute = DType::f32, stored = DType::f32;
  bool conv1d = false, narrow = false, packed = false;
  std::optional<quant::FourBitOptions> four_bit{};
};

std::vector<Case> cases() {
  using kernels::FourBitType;
  using weights::Storage;
  std::vector<Case> out{
      {.name = "plain", .storage = Storage::f32},
      {.name = "plain", .storage = Storage::f16},
      {.name = "plain", .storage = Storage::f32, .compute = DType::f64, .stored = DType::f64},
      {.name = "plain", .storage = Storage::bf16, .compute = DType::bf16, .stored = DType::bf16},
      {.name = "plain", .storage = Storage::bf16},  // a head: widened once
      {.name = "narrow", .storage = Storage::bf16, .narrow = true},
      {.name = "narrow", .storage = Storage::f16, .stored = DType::bf16, .narrow = true},
      {.name = "packed", .storage = Storage::f32, .packed = true},
      {.name = "packed", .storage = Storage::bf16, .narrow = true, .packed = true},
      {.name = "gguf blocks", .storage = Storage::q8_0, .narrow = true, .packed = true},
      {.name = "gguf blocks", .storage = Storage::q8_0, .compute = DType::f64},
      {.name = "gguf blocks", .storage = Storage::q8_0, .compute = DType::bf16},
      {.name = "gguf blocks", .storage = Storage::q8_0, .four_bit = quant::FourBitOptions{}},
  };
  const std::size_t plain_ones = out.size();
  for (std::size_t i = 0; i < plain_ones; ++i) {
    if (out[i].storage == Storage::q8_0) continue;
    out.push_back(out[i]);
    out.back().conv1d = true;
  }
  for (const FourBitType type : {FourBitType::nf4, FourBitType::fp4})
    for (const bool twice : {false, true})
      for (const bool conv1d : {false, true})
        for (const DType compute : {DType::f32, DType::bf16, DType::f64})
          out.push_back({.name = type == FourBitType::nf4 ? "nf4" : "fp4",
                         .storage = Storage::f32,
                         .compute = compute,
                         .conv1d = conv1d,
                         .narrow = true,
                         .four_bit = quant::FourBitOptions{
                             .type = type, .double_quant = twice, .block = 64}});
  return out;
}

double element(TensorView t, std::int64_t i) {
  if (t.dtype() == DType::f32) return static_cast<double>(t.as<float>()[i]);
  if (t.dtype() == DType::f64) return t.as<double>()[i];
  return static_cast<double>(static_cast<float>(t.as<bf16>()[i]));
}

/// What the matrix is worth, (rows, columns), from the source and plain loops alone.
std::vector<float> expected_values(const Case& c, const Source& source) {
  std::vector<float> file(static_cast<std::size_t>(kRows * kColumns)), w(file.size());
  weights::to_float(source.entry, 0, kRows * kColumns, file.data());
  for (std::int64_t r = 0; r < kRows; ++r)
    for (std::int64_t k = 0; k < kColumns; ++k)
      w[static_cast<std::size_t>(r * kColumns + k)] =
          file[static_cast<std::size_t>(c.conv1d ? k * kRows + r : r * kColumns + k)];
  if (c.four_bit && !quant::is_quantised(source.entry)) quant::through_four_bits(*c.four_bit, w);
  return w;
}

struct Made {
  kernels::KernelTable kernels = kernels::make_kernel_table();
  device::Buffer memory;
  FrozenMatrix matrix;
  device::Arena arena{8 << 20};
  ops::Context ctx{kernels, session().queue(), arena};

  Made(const Case& c, const Source& source) {
    const MatrixRequest r{.entry = &source.entry,
                          .rows = kRows,
                          .columns = kColumns,
                          .transposed = c.conv1d,
                          .compute = c.compute,
                          .stored = c.stored,
                          .may_be_narrow = c.narrow,
                          .packed = c.packed,
                          .four_bit = c.four_bit,
                          .kernels = &kernels};
    const quant::MatrixFormat& format = quant::format_for(r);
    EXPECT_EQ(format.name, c.name);
    memory = device::Buffer(format.bytes(r));
    format.place(r, static_cast<std::byte*>(memory.data()), matrix);
    format.fill(r, matrix, session().queue());
    if (format.settle != nullptr) format.settle(matrix);
  }
  TensorView random(DType type, std::int64_t rows, std::int64_t columns, std::uint64_t stream) {
    const TensorView t = tensor::allocate(arena, type, {rows, columns});
    for (std::int64_t i = 0; i < t.elements(); ++i) {
      const float x = random_value(stream, i);
      if (type == DType::f32)
        t.as<float>()[i] = x;
      else if (type == DType::f64)
        t.as<double>()[i] = static_cast<double>(x);
      else
        t.as<bf16>()[i] = bf16(x);
    }
    return t;
  }
};

double tolerance(const Case& c) {
  const bool rounded = c.compute == DType::bf16 || (c.name == std::string_view("narrow") &&
                                                    c.storage != weights::Storage::bf16);
  return rounded ? 0.02 : 2e-6;
}

void expect_close(const Case& c, TensorView got, const std::vector<double>& want, double scale,
                  const char* what) {
  ASSERT_EQ(got.elements(), std::ssize(want));
  for (std::int64_t i = 0; i < got.elements(); ++i)
    ASSERT_NEAR(element(got, i), want[static_cast<std::size_t>(i)], tolerance(c) * scale)
        << what << " of " << c.name << " in " << name_of(c.compute) << (c.conv1d ? ", conv1d" : "")
        << " at " << i;
}

TEST(MatrixFormats, EachMultipliesAndDecodesTheValuesItStandsFor) {
  for (const Case& c : cases()) {
    const Source source(c.storage, c.conv1d);
    Made m(c, source);
    const std::vector<float> w = expected_values(c, source);
    const auto at = [&](std::int64_t r, std::int64_t k) {
      return static_cast<double>(w[static_cast<std::size_t>(r * kColumns + k)]);
    };
    std::vector<double> some;
    for (std::int64_t r = 30; r < 37; ++r)
      for (std::int64_t k = 0; k < kColumns; ++k) some.push_back(at(r, k));
    const TensorView rows =
        tensor::allocate(m.arena, tensor::accumulator_of(c.compute), {7, kColumns});
    m.matrix.format->decode_rows(m.ctx, m.matrix, 30, rows);
    expect_close(c, rows, some, 1, "decode_rows");

    for (const std::int64_t T : {3, 33})
      for (const bool accumulate : {false, true}) {
        const TensorView x = m.random(c.compute, T, kColumns, 2),
                         y = m.random(c.compute, T, kRows, 3);
        const TensorView dy = m.random(c.compute, T, kRows, 4),
                         dx = m.random(c.compute, T, kColumns, 5);
        std::vector<double> want_y, want_dx;
        for (std::int64_t t = 0; t < T; ++t) {
          for (std::int64_t r = 0; r < kRows; ++r) {
            double sum = accumulate ? element(y, t * kRows + r) : 0;
            for (std::int64_t k = 0; k < kColumns; ++k)
              sum += element(x, t * kColumns + k) * at(r, k);
            want_y.push_back(sum);
          }
          for (std::int64_t k = 0; k < kColumns; ++k) {
            double sum = accumulate ? element(dx, t * kColumns + k) : 0;
            for (std::int64_t r = 0; r < kRows; ++r) sum += element(dy, t * kRows + r) * at(r, k);
            want_dx.push_back(sum);
          }
        }
        m.matrix.format->times(m.ctx, m.matrix, x, y, accumulate);
        m.matrix.format->times_transposed(m.ctx, m.matrix, dy, dx, accumulate);
        expect_close(c, y, want_y, 10, "times");
        expect_close(c, dx, want_dx, 10, "times_transposed");
      }
  }
}

TEST(MatrixFormats, TablesAreLookedUp) {
  const std::vector<std::int32_t> ids{99, 0, 7, 7};
  for (const Case& c : cases()) {
    if (c.conv1d || c.name == std::string_view("packed")) continue;  // never a table
    const Source source(c.storage, false);
    Made m(c, source);
    const std::vector<float> w = expected_values(c, source);
    std::vector<double> want;
    for (const std::int32_t id : ids)
      for (std::int64_t k = 0; k < kColumns; ++k)
        want.push_back(static_cast<double>(w[static_cast<std::size_t>(id * kColumns + k)]));
    const TensorView y = tensor::allocate(m.arena, c.compute, {std::ssize(ids), kColumns});
    m.matrix.format->lookup(m.ctx, m.matrix, ids, y);
    expect_close(c, y, want, 1, "lookup");
  }
}

TEST(MatrixFormats, FourBitsTakeWhatTheirPartsTake) {
  const Source source(weights::Storage::f32, false);
  for (const bool twice : {false, true}) {
    kernels::KernelTable kernels = kernels::make_kernel_table();
    const MatrixRequest r{.entry = &source.entry,
                          .rows = kRows,
                          .columns = kColumns,
                          .four_bit = quant::FourBitOptions{.double_quant = twice},
                          .kernels = &kernels};
    const std::int64_t n = kRows * kColumns, codes = n / 2;
    const std::int64_t scales = twice ? n / 64 : n / 64 * 4;
    EXPECT_GE(quant::format_for(r).bytes(r), codes + scales);
    EXPECT_LE(quant::format_for(r).bytes(r), codes + scales + 4 * 64 + 64);
  }
}

TEST(MatrixFormats, NanAndInfinityAreNamedBeforeTheyAreBroughtIntoFourBits) {
  Source source(weights::Storage::f32, false);
  const float infinite = INFINITY;
  std::memcpy(source.bytes.data() + 4 * (5 * kColumns + 2), &infinite, 4);
  for (const bool conv1d : {false, true}) {
    Source s(weights::Storage::f32, conv1d);
    s.bytes = source.bytes;
    s.entry.bytes = s.bytes;
    EXPECT_THROW(Made({.name = "nf4",
                       .storage = weights::Storage::f32,
                       .conv1d = conv1d,
                       .four_bit = quant::FourBitOptions{}},
                      s),
                 Error);
  }
}

}  // namespace
}  // namespace axl::test
