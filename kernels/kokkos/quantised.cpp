#include "axl/kernels/quantised.hpp"

#include "kokkos/host.hpp"
#include "kokkos/simd.hpp"

namespace axl::kernels::host {
namespace {

/// Columns that are decoded at a time: a multiple of every block, and in the cache.
constexpr std::int64_t kColumns = 1024;

template <class F>
void for_columns(std::int64_t columns, F f) {
  for (std::int64_t c = 0; c < columns; c += kColumns) f(c, std::min(kColumns, columns - c));
}

template <class T>
void decode_rows(const DecodeRows<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::decode_rows", Range(exec_of(q), 0, a.count), [=](std::int64_t r) {
    const std::int64_t row = a.ids != nullptr ? a.ids[r] : a.first + r;
    T* y = a.y + r * a.w.columns;
    if constexpr (std::is_same_v<T, float>) {
      decode_row(a.w, row, 0, a.w.columns, y);
    } else {
      float piece[kColumns];
      for_columns(a.w.columns, [&](std::int64_t c, std::int64_t n) {
        decode_row(a.w, row, c, n, piece);
        for (std::int64_t i = 0; i < n; ++i) y[c + i] = T(piece[i]);
      });
    }
  });
}

/// A task is a strip of rows as wide as a cache line of y.
void decode_transposed(const DecodeTransposed& a, Queue& q) {
  constexpr std::int64_t kStrip = 16, kSide = kLanes<float>, kPiece = 256;
  const std::int64_t strips = (a.count + kStrip - 1) / kStrip;
  Kokkos::parallel_for("axl::decode_transposed", Range(exec_of(q), 0, strips), [=](std::int64_t s) {
    const std::int64_t first = s * kStrip, rows = std::min(kStrip, a.count - first);
    float strip[kStrip * kPiece];
    for (std::int64_t c = 0; c < a.w.columns; c += kPiece) {
      const std::int64_t n = std::min(kPiece, a.w.columns - c);
      for (std::int64_t r = 0; r < rows; ++r)
        decode_row(a.w, a.first + first + r, c, n, strip + r * kPiece);
      float* y = a.y + c * a.count + first;
      const std::int64_t whole = rows == kStrip ? n / kSide * kSide : 0;
      for (std::int64_t i = 0; i < whole; i += kSide)
        for (std::int64_t r = 0; r < kStrip; r += kSide)
          transpose_square(strip + r * kPiece + i, kPiece, 1.0f, y + i * a.count + r, a.count);
      for (std::int64_t i = whole; i < n; ++i)
        for (std::int64_t r = 0; r < rows; ++r) y[i * a.count + r] = strip[r * kPiece + i];
    }
  });
}

/// All rows of A against one row of w.
template <class T, class C>
void gemm_row(const QuantisedGemm& g, std::int64_t n) {
  const std::int64_t K = g.w.columns;
  const T* a = static_cast<const T*>(g.a);
  Vec<float> sums[kNarrowRows] = {};
  float piece[kColumns];
  for_columns(K, [&](std::int64_t c, std::int64_t count) {
    decode_row(g.w, n, c, count, piece);
    for (std::int64_t m = 0; m < g.M; ++m) {
      const T* x = a + m * K + c;
      for_vectors<float>(0, count, [&](std::int64_t k, auto part) {
        sums[m] += load(piece + k, part) * load(x + k, part);
      });
    }
  });
  C* out = static_cast<C*>(g.c) + n;
  for (std::int64_t m = 0; m < g.M; ++m, out += g.w.rows)
    *out = C(sum_lanes<float>(sums[m]) + (g.accumulate ? static_cast<float>(*out) : 0.0f));
}

template <class T, class C>
void gemm_typed(const QuantisedGemm& g, Queue& q) {
  Kokkos::parallel_for("axl::quantised_gemm", Range(exec_of(q), 0, g.w.rows),
                       [=](std::int64_t n) { gemm_row<T, C>(g, n); });
}

void quantised_gemm(const QuantisedGemm& g, Queue& q) {
  if (g.ab == DType::f32)
    gemm_typed<float, float>(g, q);
  else if (g.c_type == DType::f32)
    gemm_typed<bf16, float>(g, q);
  else
    gemm_typed<bf16, bf16>(g, q);
}

void quantise_four_bit(const FourBitEncode& a, Queue& q) {
  constexpr std::int64_t kBlocks = 64;
  const std::int64_t blocks = four_bit_blocks(a.elements, a.block);
  Kokkos::parallel_for(
      "axl::quantise_four_bit", Range(exec_of(q), 0, (blocks + kBlocks - 1) / kBlocks),
      [=](std::int64_t i) { encode_blocks(a, i * kBlocks, std::min(blocks, (i + 1) * kBlocks)); });
}

}  // namespace

void add_quantised(KernelTable& t) {
  t.decode_rows = {"kokkos", &decode_rows<float>, &decode_rows<bf16>, &decode_rows<double>};
  t.decode_transposed = &decode_transposed;
  t.quantised_gemm = &quantised_gemm;
  t.quantise_four_bit = &quantise_four_bit;
}

}  // namespace axl::kernels::host
