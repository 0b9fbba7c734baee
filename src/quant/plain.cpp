// Matrices in the compute type, in the file or converted once.
#include <algorithm>

#include "quant/formats.hpp"
#include "weights/finite.hpp"

namespace axl::quant {
namespace {

std::int64_t bytes(const MatrixRequest& r) {
  return lies_as(*r.entry, r.compute) ? 0 : r.rows * r.columns * size_of(r.compute);
}

void place(const MatrixRequest& r, std::byte* at, FrozenMatrix& m) {
  m = described(r, kPlain);
  void* data = lies_as(*r.entry, r.compute) ? const_cast<std::byte*>(r.entry->bytes.data()) : at;
  m.plain = r.transposed ? TensorView(data, r.compute, {r.columns, r.rows})
                         : TensorView(data, r.compute, {r.rows, r.columns});
}

void fill(const MatrixRequest& r, const FrozenMatrix& m, kernels::Queue&) {
  if (lies_as(*r.entry, r.compute))
    weights::require_finite(*r.entry, 0, r.entry->elements());
  else
    convert(*r.entry, r.compute, m.plain.data());
}

template <class T>
void copy_columns(const FrozenMatrix& m, std::int64_t first, TensorView y) {
  const T* from = m.plain.as<T>();
  const auto write = [&](auto* to) {
    for (std::int64_t r = 0; r < y.dim(0); ++r)
      for (std::int64_t c = 0; c < m.columns; ++c)
        to[r * m.columns + c] =
            static_cast<std::remove_pointer_t<decltype(to)>>(from[c * m.rows + first + r]);
  };
  if (y.dtype() == dtype_of<T>())
    write(y.as<T>());
  else
    write(y.as<float>());
}

void decode_rows(Context& ctx, const FrozenMatrix& m, std::int64_t first, TensorView y) {
  if (m.transposed) {  // while a model is built only: a row of W is a column of a Conv1D's matrix
    if (m.compute == DType::bf16) return copy_columns<bf16>(m, first, y);
    return m.compute == DType::f32 ? copy_columns<float>(m, first, y)
                                   : copy_columns<double>(m, first, y);
  }
  const TensorView rows = m.plain.rows(first, y.dim(0));
  if (rows.dtype() == y.dtype())
    ops::copy(ctx, rows, y);
  else
    ops::convert(ctx, rows, y);
}

void lookup(Context& ctx, const FrozenMatrix& m, Ids ids, TensorView y) {
  ops::embedding(ctx, ids.data(), m.plain, y);
}

void times(Context& ctx, const FrozenMatrix& m, TensorView x, TensorView y, bool accumulate) {
  ops::matmul(ctx, x, m.plain, y, {.trans_b = !m.transposed, .accumulate = accumulate});
}

void times_transposed(Context& ctx, const FrozenMatrix& m, TensorView dy, TensorView dx,
                      bool accumulate) {
  ops::matmul(ctx, dy, m.plain, dx, {.trans_b = m.transposed, .accumulate = accumulate});
}

}  // namespace

const MatrixFormat kPlain{.name = "plain",
                          .takes = [](const MatrixRequest&) { return true; },
                          .bytes = &bytes,
                          .place = &place,
                          .fill = &fill,
                          .settle = nullptr,
                          .decode_rows = &decode_rows,
                          .lookup = &lookup,
                          .times = &times,
                          .times_transposed = &times_transposed};

FrozenMatrix plain_matrix(TensorView view, bool transposed) {
  FrozenMatrix m;
  m.format = &kPlain;
  m.rows = view.dim(transposed ? 1 : 0);
  m.columns = view.dim(transposed ? 0 : 1);
  m.compute = view.dtype();
  m.transposed = transposed;
  m.plain = view;
  return m;
}

}  // namespace axl::quant
