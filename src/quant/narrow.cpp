// bf16 while f32 is computed: matmul() widens what it multiplies (docs/architecture.md, "Narrow
// weights").
#include "quant/formats.hpp"
#include "weights/finite.hpp"

namespace axl::quant {
namespace {

bool takes(const MatrixRequest& r) {
  if (!r.may_be_narrow || r.compute != DType::f32 || lies_as(*r.entry, DType::f32)) return false;
  return lies_as(*r.entry, DType::bf16) || r.stored == DType::bf16;
}

std::int64_t bytes(const MatrixRequest& r) {
  return lies_as(*r.entry, DType::bf16) ? 0 : r.rows * r.columns * size_of(DType::bf16);
}

void place(const MatrixRequest& r, std::byte* at, FrozenMatrix& m) {
  m = described(r, kNarrow);
  void* data = bytes(r) == 0 ? const_cast<std::byte*>(r.entry->bytes.data()) : at;
  m.plain = r.transposed ? TensorView(data, DType::bf16, {r.columns, r.rows})
                         : TensorView(data, DType::bf16, {r.rows, r.columns});
}

void fill(const MatrixRequest& r, const FrozenMatrix& m, kernels::Queue&) {
  if (bytes(r) == 0)
    weights::require_finite(*r.entry, 0, r.entry->elements());
  else
    convert(*r.entry, DType::bf16, m.plain.data());
}

void decode_rows(Context& ctx, const FrozenMatrix& m, std::int64_t first, TensorView y) {
  if (!m.transposed) return ops::convert(ctx, m.plain.rows(first, y.dim(0)), y);
  const bf16* from = m.plain.as<bf16>();  // while a model is built only
  float* to = y.as<float>();
  for (std::int64_t r = 0; r < y.dim(0); ++r)
    for (std::int64_t c = 0; c < m.columns; ++c)
      to[r * m.columns + c] = static_cast<float>(from[c * m.rows + first + r]);
}

void lookup(Context& ctx, const FrozenMatrix& m, Ids ids, TensorView y) {
  const device::ArenaScope scope(ctx.arena);
  const TensorView narrow = tensor::allocate(ctx.arena, DType::bf16, {y.dim(0), m.columns});
  ops::gather_rows(ctx, m.plain, ids.data(), narrow);
  ops::convert(ctx, narrow, y);
}

}  // namespace

const MatrixFormat kNarrow{.name = "narrow",
                           .takes = &takes,
                           .bytes = &bytes,
                           .place = &place,
                           .fill = &fill,
                           .settle = nullptr,
                           .decode_rows = &decode_rows,
                           .lookup = &lookup,
                           .times = kPlain.times,
                           .times_transposed = kPlain.times_transposed};

}  // namespace axl::quant
