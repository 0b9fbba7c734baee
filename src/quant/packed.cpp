// Two copies in the GEMM's own layout, one for each direction (docs/architecture.md, "Packed
// weights").
#include <vector>

#include "quant/formats.hpp"
#include "weights/finite.hpp"

namespace axl::quant {
namespace {

/// Of W^T (columns, rows), as the forward pass multiplies, or of W.
kernels::PackedMatrix layout(const MatrixRequest& r, bool forward) {
  kernels::PackedMatrix p;
  p.K = forward ? r.columns : r.rows;
  p.N = forward ? r.rows : r.columns;
  p.type = r.compute;
  p.bytes = r.kernels->pack_bytes({p.K, p.N, p.type});
  return p;
}

bool takes(const MatrixRequest& r) {
  return r.packed && layout(r, true).bytes > 0 && layout(r, false).bytes > 0;
}

std::int64_t bytes(const MatrixRequest& r) {
  return aligned(layout(r, true).bytes) + layout(r, false).bytes;
}

void place(const MatrixRequest& r, std::byte* at, FrozenMatrix& m) {
  m = described(r, kPacked);
  m.forward = layout(r, true);
  m.backward = layout(r, false);
  m.forward.data = at;
  m.backward.data = at + aligned(m.forward.bytes);
}

void fill(const MatrixRequest& r, const FrozenMatrix& m, kernels::Queue& queue) {
  std::vector<std::byte> copy;
  const void* source = r.entry->bytes.data();
  if (lies_as(*r.entry, r.compute)) {
    weights::require_finite(*r.entry, 0, r.entry->elements());
  } else {
    copy.resize(static_cast<std::size_t>(r.rows * r.columns * size_of(r.compute)));
    convert(*r.entry, r.compute, copy.data());
    source = copy.data();
  }
  for (const kernels::PackedMatrix* p : {&m.forward, &m.backward}) {
    const bool transposed = (p == &m.forward) != m.transposed;  // lies as (N, K)
    r.kernels->pack(source, transposed, *p, const_cast<void*>(p->data), queue);
  }
}

/// From the file: the GEMM's layout is its own.
void decode_rows(Context& ctx, const FrozenMatrix& m, std::int64_t first, TensorView y) {
  std::vector<std::byte> values(static_cast<std::size_t>(m.rows * m.columns * size_of(m.compute)));
  convert(*m.entry, m.compute, values.data());
  const TensorView all = m.transposed ? TensorView(values.data(), m.compute, {m.columns, m.rows})
                                      : TensorView(values.data(), m.compute, {m.rows, m.columns});
  kPlain.decode_rows(ctx, plain_matrix(all, m.transposed), first, y);
}

void lookup(Context&, const FrozenMatrix&, Ids, TensorView) {
  throw Error(ErrorCode::internal, "rows of a packed matrix cannot be looked up");
}

void times(Context& ctx, const FrozenMatrix& m, TensorView x, TensorView y, bool accumulate) {
  ops::matmul(ctx, x, {}, y, {.trans_b = true, .accumulate = accumulate, .packed_b = &m.forward});
}

void times_transposed(Context& ctx, const FrozenMatrix& m, TensorView dy, TensorView dx,
                      bool accumulate) {
  ops::matmul(ctx, dy, {}, dx, {.accumulate = accumulate, .packed_b = &m.backward});
}

}  // namespace

const MatrixFormat kPacked{.name = "packed",
                           .takes = &takes,
                           .bytes = &bytes,
                           .place = &place,
                           .fill = &fill,
                           .settle = nullptr,
                           .decode_rows = &decode_rows,
                           .lookup = &lookup,
                           .times = &times,
                           .times_transposed = &times_transposed};

}  // namespace axl::quant
