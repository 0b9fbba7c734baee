#include "quant/frozen_matrix.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "ops/quantised.hpp"
#include "quant/formats.hpp"
#include "weights/finite.hpp"

namespace axl::quant {

bool lies_as(const weights::TensorEntry& e, DType type) {
  const bool same = (e.storage == weights::Storage::f32 && type == DType::f32) ||
                    (e.storage == weights::Storage::bf16 && type == DType::bf16);
  const auto address = reinterpret_cast<std::uintptr_t>(e.bytes.data());
  // Interleaved rows (GGUF) have to be put in order.
  return same && e.interleaved_head_dim == 0 &&
         address % static_cast<std::uintptr_t>(size_of(type)) == 0 &&
         std::cmp_equal(e.bytes.size(), e.elements() * size_of(type));
}

void convert(const weights::TensorEntry& e, DType type, void* out) {
  if (type == DType::bf16) {
    weights::to_finite_bf16(e, 0, e.elements(), static_cast<bf16*>(out));
  } else if (type == DType::f32) {
    weights::to_finite_float(e, 0, e.elements(), static_cast<float*>(out));
  } else {
    std::vector<float> f(static_cast<std::size_t>(e.elements()));
    weights::to_finite_float(e, 0, e.elements(), f.data());
    std::copy(f.begin(), f.end(), static_cast<double*>(out));
  }
}

FrozenMatrix described(const MatrixRequest& r, const MatrixFormat& format) {
  FrozenMatrix m;
  m.format = &format;
  m.rows = r.rows;
  m.columns = r.columns;
  m.compute = r.compute;
  m.transposed = r.transposed;
  m.entry = r.entry;
  return m;
}

bool is_quantised(const weights::TensorEntry& e) {
  return e.storage == weights::Storage::nf4 || e.storage == weights::Storage::fp4 ||
         weights::blocks_of(e.storage).has_value();
}

void decode_quantised(Context& ctx, const FrozenMatrix& m, std::int64_t first, TensorView y) {
  ops::decode_rows(ctx, m.quantised, first, y);
}

void lookup_quantised(Context& ctx, const FrozenMatrix& m, Ids ids, TensorView y) {
  ops::decode_rows(ctx, m.quantised, ids, y);
}

void times_quantised(Context& ctx, const FrozenMatrix& m, TensorView x, TensorView y,
                     bool accumulate) {
  ops::matmul_quantised(ctx, x, m.quantised, y, accumulate);
}

void times_quantised_transposed(Context& ctx, const FrozenMatrix& m, TensorView dy, TensorView dx,
                                bool accumulate) {
  ops::matmul_quantised_transposed(ctx, dy, m.quantised, dx, accumulate);
}

}  // namespace axl::quant
