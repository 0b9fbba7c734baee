#include "axl/kernels/quantised.hpp"

namespace axl::kernels {

void decode_row(const QuantisedMatrix& w, std::int64_t row, std::int64_t first, std::int64_t count,
                float* out) {
  const std::int64_t stored = stored_row(w, row);
  if (w.layout == nullptr) return decode(w.four_bit, stored * w.columns + first, count, out);
  const std::int64_t block = w.layout->elements;
  const std::byte* at = w.blocks + (stored * w.columns + first) / block * w.layout->bytes;
  w.layout->decode(at, count / block, out);
}

}  // namespace axl::kernels
