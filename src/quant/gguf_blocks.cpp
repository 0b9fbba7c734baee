// GGML's block formats, multiplied as they lie in the file.
#include "quant/formats.hpp"
#include "weights/finite.hpp"

namespace axl::quant {
namespace {

bool takes(const MatrixRequest& r) {
  const auto type = weights::blocks_of(r.entry->storage);
  return type && !r.transposed && r.columns % kernels::layout_of(*type).elements == 0;
}

void place(const MatrixRequest& r, std::byte*, FrozenMatrix& m) {
  m = described(r, kGgufBlocks);
  m.quantised = {.rows = r.rows,
                 .columns = r.columns,
                 .layout = &kernels::layout_of(*weights::blocks_of(r.entry->storage)),
                 .four_bit = {},
                 .blocks = r.entry->bytes.data(),
                 .interleaved_head_dim = r.entry->interleaved_head_dim};
}

}  // namespace

const MatrixFormat kGgufBlocks{
    .name = "gguf blocks",
    .takes = &takes,
    .bytes = [](const MatrixRequest&) { return std::int64_t{0}; },
    .place = &place,
    .fill = [](const MatrixRequest& r, const FrozenMatrix&,
               kernels::Queue&) { weights::require_finite(*r.entry, 0, r.entry->elements()); },
    .settle = nullptr,
    .decode_rows = &decode_quantised,
    .lookup = &lookup_quantised,
    .times = &times_quantised,
    .times_transposed = &times_quantised_transposed};

}  // namespace axl::quant
