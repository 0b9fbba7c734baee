// bitsandbytes' nf4 and fp4: as a file has them, or made when the model is built.
#include <algorithm>
#include <cstring>
#include <vector>

#include "quant/formats.hpp"
#include "weights/finite.hpp"

namespace axl::quant {
namespace {

using kernels::FourBitType;
using weights::Storage;

bool in_file(const MatrixRequest& r) {
  return r.entry->storage == Storage::nf4 || r.entry->storage == Storage::fp4;
}

template <FourBitType type>
bool takes(const MatrixRequest& r) {
  if (in_file(r))
    return !r.transposed &&
           r.entry->storage == (type == FourBitType::nf4 ? Storage::nf4 : Storage::fp4);
  return r.four_bit && r.four_bit->type == type && !is_quantised(*r.entry);
}

/// Where the parts of a matrix lie that is made here, in bytes from its beginning.
struct Layout {
  std::int64_t blocks, scales, nested, offset, end;

  explicit Layout(const MatrixRequest& r)
      : blocks(kernels::four_bit_blocks(r.rows * r.columns, r.four_bit->block)),
        scales(aligned(kernels::four_bit_bytes(r.rows * r.columns))) {
    const bool twice = r.four_bit->double_quant;
    nested = aligned(scales + blocks * (twice ? 1 : size_of(DType::f32)));
    offset = nested;
    if (twice)
      offset +=
          aligned(kernels::four_bit_blocks(blocks, kernels::kNestedBlock) * size_of(DType::f32));
    end = offset + (twice ? size_of(DType::f32) : 0);
  }
};

std::int64_t bytes(const MatrixRequest& r) { return in_file(r) ? 0 : Layout(r).end; }

void place(const MatrixRequest& r, std::byte* at, FrozenMatrix& m) {
  m = described(r, in_file(r) ? (r.entry->storage == Storage::nf4 ? kNf4 : kFp4)
                              : (r.four_bit->type == FourBitType::nf4 ? kNf4 : kFp4));
  m.transposed = false;  // made from the transpose of a Conv1D's matrix, as bitsandbytes does
  m.quantised.rows = r.rows;
  m.quantised.columns = r.columns;
  if (in_file(r)) {
    m.quantised.four_bit = weights::four_bit_array(*r.entry);
    return;
  }
  const Layout l(r);
  kernels::FourBitArray& a = m.quantised.four_bit;
  a.type = r.four_bit->type;
  a.data = at;
  a.elements = r.rows * r.columns;
  a.block = r.four_bit->block;
  if (!r.four_bit->double_quant) {
    a.scales.absmax = reinterpret_cast<const float*>(at + l.scales);
    return;
  }
  a.scales.codes = reinterpret_cast<const std::uint8_t*>(at + l.scales);
  a.scales.nested_absmax = reinterpret_cast<const float*>(at + l.nested);
}

/// The offset of nested scales lies behind them, for the other ranks of the node.
const float* offset_of(const FrozenMatrix& m) {
  const kernels::FourBitArray& a = m.quantised.four_bit;
  const std::int64_t nested = kernels::four_bit_blocks(
      kernels::four_bit_blocks(a.elements, a.block), kernels::kNestedBlock);
  return reinterpret_cast<const float*>(reinterpret_cast<const std::byte*>(a.scales.nested_absmax) +
                                        aligned(nested * size_of(DType::f32)));
}

void round_to(DType from, float* values, std::int64_t n) {
  if (from != DType::bf16) return;
  for (std::int64_t i = 0; i < n; ++i) values[i] = static_cast<float>(bf16(values[i]));
}

/// The values that are brought into 4 bits.
void load(const MatrixRequest& r, std::int64_t first, std::int64_t n, float* out) {
  weights::to_finite_float(*r.entry, first, n, out);
  round_to(r.four_bit->from, out, n);
}

std::vector<float> transposed_values(const MatrixRequest& r) {
  const auto n = static_cast<std::size_t>(r.rows * r.columns);
  std::vector<float> as_stored(n), out(n);
  load(r, 0, r.rows * r.columns, as_stored.data());
  for (std::int64_t c = 0; c < r.columns; ++c)
    for (std::int64_t row = 0; row < r.rows; ++row)
      out[static_cast<std::size_t>(row * r.columns + c)] =
          as_stored[static_cast<std::size_t>(c * r.rows + row)];
  return out;
}

void fill(const MatrixRequest& r, const FrozenMatrix& m, kernels::Queue& queue) {
  if (in_file(r)) return weights::require_finite(*r.entry, 0, r.entry->elements());
  const kernels::FourBitArray& a = m.quantised.four_bit;
  const Layout l(r);
  std::vector<float> scales(static_cast<std::size_t>(l.blocks));
  auto* codes = const_cast<std::byte*>(a.data);
  const auto encode = [&](const float* x, std::int64_t first, std::int64_t n) {
    r.kernels->quantise_four_bit({.type = a.type,
                                  .x = x,
                                  .elements = n,
                                  .block = a.block,
                                  .data = codes + first / 2,
                                  .absmax = scales.data() + first / a.block},
                                 queue);
  };
  if (r.transposed) {
    encode(transposed_values(r).data(), 0, a.elements);
  } else {
    const std::int64_t piece =
        std::max<std::int64_t>(1, (std::int64_t{1} << 20) / a.block) * a.block;
    std::vector<float> x(static_cast<std::size_t>(std::min(piece, a.elements)));
    for (std::int64_t first = 0; first < a.elements; first += piece) {
      const std::int64_t n = std::min(piece, a.elements - first);
      load(r, first, n, x.data());
      encode(x.data(), first, n);
    }
  }
  if (!r.four_bit->double_quant) {
    std::memcpy(const_cast<float*>(a.scales.absmax), scales.data(), scales.size() * sizeof(float));
    return;
  }
  *const_cast<float*>(offset_of(m)) =
      kernels::nest_scales(scales.data(), l.blocks, const_cast<std::uint8_t*>(a.scales.codes),
                           const_cast<float*>(a.scales.nested_absmax));
}

void settle(FrozenMatrix& m) {
  const bool made_here = m.entry->four_bit == nullptr;
  if (made_here && m.quantised.four_bit.scales.codes != nullptr)
    m.quantised.four_bit.scales.offset = *offset_of(m);
}

constexpr MatrixFormat format(std::string_view name, bool (*takes)(const MatrixRequest&)) {
  return {.name = name,
          .takes = takes,
          .bytes = &bytes,
          .place = &place,
          .fill = &fill,
          .settle = &settle,
          .decode_rows = &decode_quantised,
          .lookup = &lookup_quantised,
          .times = &times_quantised,
          .times_transposed = &times_quantised_transposed};
}

}  // namespace

const MatrixFormat kNf4 = format("nf4", &takes<FourBitType::nf4>);
const MatrixFormat kFp4 = format("fp4", &takes<FourBitType::fp4>);

void through_four_bits(const FourBitOptions& options, std::vector<float>& values) {
  const auto elements = static_cast<std::int64_t>(values.size());
  const std::int64_t blocks = kernels::four_bit_blocks(elements, options.block);
  round_to(options.from, values.data(), elements);
  std::vector<std::byte> codes(static_cast<std::size_t>(kernels::four_bit_bytes(elements)));
  std::vector<float> scales(static_cast<std::size_t>(blocks));
  kernels::encode_blocks({.type = options.type,
                          .x = values.data(),
                          .elements = elements,
                          .block = options.block,
                          .data = codes.data(),
                          .absmax = scales.data()},
                         0, blocks);
  kernels::FourBitArray a{.type = options.type,
                          .data = codes.data(),
                          .elements = elements,
                          .block = options.block,
                          .scales = {.absmax = scales.data()}};
  std::vector<std::uint8_t> nested(static_cast<std::size_t>(blocks));
  std::vector<float> nested_absmax(
      static_cast<std::size_t>(kernels::four_bit_blocks(blocks, kernels::kNestedBlock)));
  if (options.double_quant) {
    const float offset =
        kernels::nest_scales(scales.data(), blocks, nested.data(), nested_absmax.data());
    a.scales = {.absmax = nullptr,
                .codes = nested.data(),
                .nested_absmax = nested_absmax.data(),
                .offset = offset};
  }
  kernels::decode(a, 0, elements, values.data());
}

}  // namespace axl::quant
