#pragma once
#include "axl/kernels/quantised.hpp"
#include "ops/ops.hpp"

/// Products with matrices in few bits: a tile of rows at a time is decoded into the arena and
/// multiplied there, so that the room does not grow with the matrix.
namespace axl::ops {

/// y (n, columns), f32, bf16 or f64, = rows first to first + n - 1 of w.
void decode_rows(Context& ctx, const kernels::QuantisedMatrix& w, std::int64_t first, TensorView y);
/// y (T, columns) = rows `ids` of w, which must be in [0, w.rows).
void decode_rows(Context& ctx, const kernels::QuantisedMatrix& w, std::span<const std::int32_t> ids,
                 TensorView y);
/// y (T, w.rows) = or += x (T, w.columns) w^T; y may be f32 when x is bf16.
void matmul_quantised(Context& ctx, TensorView x, const kernels::QuantisedMatrix& w, TensorView y,
                      bool accumulate);
/// dx (T, w.columns) = or += dy (T, w.rows) w.
void matmul_quantised_transposed(Context& ctx, TensorView dy, const kernels::QuantisedMatrix& w,
                                 TensorView dx, bool accumulate);

}  // namespace axl::ops
