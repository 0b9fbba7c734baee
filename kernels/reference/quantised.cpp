#include "reference/quantised.hpp"

#include <vector>

namespace axl::kernels {
namespace {

std::vector<float> row_of(const QuantisedMatrix& w, std::int64_t row) {
  std::vector<float> out(static_cast<std::size_t>(w.columns));
  decode_row(w, row, 0, w.columns, out.data());
  return out;
}

template <class T>
void decode_rows(const DecodeRows<T>& a, Queue&) {
  for (std::int64_t r = 0; r < a.count; ++r) {
    const std::vector<float> row = row_of(a.w, a.ids != nullptr ? a.ids[r] : a.first + r);
    for (std::int64_t c = 0; c < a.w.columns; ++c)
      a.y[r * a.w.columns + c] = T(row[static_cast<std::size_t>(c)]);
  }
}

void decode_transposed(const DecodeTransposed& a, Queue&) {
  for (std::int64_t r = 0; r < a.count; ++r) {
    const std::vector<float> row = row_of(a.w, a.first + r);
    for (std::int64_t c = 0; c < a.w.columns; ++c)
      a.y[c * a.count + r] = row[static_cast<std::size_t>(c)];
  }
}

double value_at(const void* p, DType type, std::int64_t i) {
  return type == DType::f32
             ? static_cast<double>(static_cast<const float*>(p)[i])
             : static_cast<double>(static_cast<float>(static_cast<const bf16*>(p)[i]));
}

void quantised_gemm(const QuantisedGemm& g, Queue&) {
  for (std::int64_t n = 0; n < g.w.rows; ++n) {
    const std::vector<float> row = row_of(g.w, n);
    for (std::int64_t m = 0; m < g.M; ++m) {
      const std::int64_t at = m * g.w.rows + n;
      double sum = g.accumulate ? value_at(g.c, g.c_type, at) : 0.0;
      for (std::int64_t k = 0; k < g.w.columns; ++k)
        sum += value_at(g.a, g.ab, m * g.w.columns + k) *
               static_cast<double>(row[static_cast<std::size_t>(k)]);
      if (g.c_type == DType::f32)
        static_cast<float*>(g.c)[at] = static_cast<float>(sum);
      else
        static_cast<bf16*>(g.c)[at] = bf16(static_cast<float>(sum));
    }
  }
}

void quantise_four_bit(const FourBitEncode& a, Queue&) {
  encode_blocks(a, 0, four_bit_blocks(a.elements, a.block));
}

}  // namespace

void add_quantised_reference(KernelTable& t) {
  t.decode_rows = {"reference", &decode_rows<float>, &decode_rows<bf16>, &decode_rows<double>};
  t.decode_transposed = &decode_transposed;
  t.quantised_gemm = &quantised_gemm;
  t.quantise_four_bit = &quantise_four_bit;
}

}  // namespace axl::kernels
