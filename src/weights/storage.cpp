// Conversion of stored tensors to float and bfloat16.
#include <algorithm>
#include <array>
#include <cstring>

#include "core/error.hpp"
#include "weights/weight_file.hpp"

namespace axl::weights {
namespace {

struct Layout {
  std::string_view name;
  std::int64_t block;
  std::int64_t bytes;  ///< of a block
};

/// All but GGML's block formats.
constexpr std::array<Layout, 9> kLayouts{{{"F32", 1, 4},
                                          {"F16", 1, 2},
                                          {"BF16", 1, 2},
                                          {"I64", 1, 8},
                                          {"I32", 1, 4},
                                          {"U8", 1, 1},
                                          {"I8", 1, 1},
                                          {"NF4", 2, 1},
                                          {"FP4", 2, 1}}};

/// Block formats follow each other in both lists, in the same order.
bool is_blocks(Storage storage) { return storage >= Storage::q8_0; }
kernels::BlockType block_type(Storage storage) {
  return static_cast<kernels::BlockType>(static_cast<int>(storage) -
                                         static_cast<int>(Storage::q8_0));
}
bool is_four_bit(Storage storage) { return storage == Storage::nf4 || storage == Storage::fp4; }

Layout layout_of(Storage storage) {
  if (!is_blocks(storage)) return kLayouts[static_cast<std::size_t>(storage)];
  const kernels::BlockLayout& blocks = kernels::layout_of(block_type(storage));
  return {blocks.name, blocks.elements, blocks.bytes};
}

template <class T>
T load(const std::byte* p) {  // files align nothing
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

void decode_half(const std::byte* p, std::int64_t n, float* out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = f16_to_float(load<std::uint16_t>(p + 2 * i));
}

template <class T>
void convert(const std::byte* p, std::int64_t n, float* out) {
  for (std::int64_t i = 0; i < n; ++i)
    out[i] = static_cast<float>(load<T>(p + i * static_cast<std::int64_t>(sizeof(T))));
}

/// `n` elements that lie together in the file from element `first` on.
void decode_run(const TensorEntry& t, std::int64_t first, std::int64_t n, float* out) {
  if (is_four_bit(t.storage)) return kernels::decode(four_bit_array(t), first, n, out);
  const Layout layout = layout_of(t.storage);
  const std::byte* p = t.bytes.data() + first / layout.block * layout.bytes;
  switch (t.storage) {
    case Storage::f32:
      std::memcpy(out, p, static_cast<std::size_t>(n) * 4);
      break;
    case Storage::f16:
      decode_half(p, n, out);
      break;
    case Storage::bf16:
      convert<bf16>(p, n, out);
      break;
    case Storage::i64:
      convert<std::int64_t>(p, n, out);
      break;
    case Storage::i32:
      convert<std::int32_t>(p, n, out);
      break;
    case Storage::u8:
      convert<std::uint8_t>(p, n, out);
      break;
    case Storage::i8:
      convert<std::int8_t>(p, n, out);
      break;
    default:
      kernels::layout_of(block_type(t.storage)).decode(p, n / layout.block, out);
  }
}

void decode_run(const TensorEntry& t, std::int64_t first, std::int64_t n, bf16* out) {
  if (t.storage == Storage::bf16) {
    std::memcpy(out, t.bytes.data() + 2 * first, static_cast<std::size_t>(n) * 2);
    return;
  }
  constexpr std::int64_t kChunk = 2048;  // a multiple of every block, small enough for the cache
  std::array<float, kChunk> floats;
  for (std::int64_t done = 0; done < n; done += kChunk) {
    const std::int64_t count = std::min(kChunk, n - done);
    decode_run(t, first + done, count, floats.data());
    for (std::int64_t i = 0; i < count; ++i)
      out[done + i] = bf16(floats[static_cast<std::size_t>(i)]);
  }
}

void check_range(const TensorEntry& t, std::int64_t first, std::int64_t n) {
  const std::int64_t block = is_four_bit(t.storage) ? 1 : block_of(t.storage);
  const std::int64_t total = t.elements();
  AXL_CHECK(first >= 0 && n >= 0 && first <= total && n <= total - first,
            "range outside of tensor " + t.name);
  AXL_CHECK(first % block == 0 && n % block == 0, "range splits a block of tensor " + t.name);
  AXL_CHECK(static_cast<std::int64_t>(t.bytes.size()) == bytes_of(t.storage, total),
            "tensor " + t.name + " has the wrong number of bytes");
}

template <class T>
void decode_range(const TensorEntry& t, std::int64_t first, std::int64_t n, T* out) {
  check_range(t, first, n);
  if (n == 0) return;  // `out` may be null
  if (t.interleaved_head_dim == 0) return decode_run(t, first, n, out);
  const std::int64_t columns = t.elements() / t.shape.front();
  const std::int64_t head = t.interleaved_head_dim;
  while (n > 0) {
    const std::int64_t row = first / columns;
    const std::int64_t column = first % columns;
    const std::int64_t count = std::min(columns - column, n);
    // Row (head, half, i) here is row (head, i, half) in the file.
    const std::int64_t in_head = row % head;
    const std::int64_t stored = row - in_head + in_head % (head / 2) * 2 + in_head / (head / 2);
    decode_run(t, stored * columns + column, count, out);
    out += count;
    first += count;
    n -= count;
  }
}

}  // namespace

std::int64_t block_of(Storage storage) { return layout_of(storage).block; }
std::string_view name_of(Storage storage) { return layout_of(storage).name; }

std::optional<kernels::BlockType> blocks_of(Storage storage) {
  if (!is_blocks(storage)) return std::nullopt;
  return block_type(storage);
}

kernels::FourBitArray four_bit_array(const TensorEntry& t) {
  AXL_CHECK(is_four_bit(t.storage) && t.four_bit != nullptr, "tensor " + t.name + " has no codes");
  return {t.storage == Storage::nf4 ? kernels::FourBitType::nf4 : kernels::FourBitType::fp4,
          t.bytes.data(),
          t.elements(),
          t.four_bit->block,
          t.four_bit->scales,
          t.four_bit->as_avx512 && t.shape.back() % 16 == 0 && t.four_bit->block < 2048
              ? t.shape.back()
              : 0};
}

std::int64_t bytes_of(Storage storage, std::int64_t elements) {
  if (is_four_bit(storage)) return kernels::four_bit_bytes(elements);
  const Layout layout = layout_of(storage);
  AXL_CHECK(
      elements >= 0 && elements % layout.block == 0,
      std::to_string(elements) + " elements do not fill blocks of " + std::string(layout.name));
  return elements / layout.block * layout.bytes;
}

void to_float(const TensorEntry& source, std::int64_t first, std::int64_t elements, float* out) {
  decode_range(source, first, elements, out);
}

void to_bf16(const TensorEntry& source, std::int64_t first, std::int64_t elements, bf16* out) {
  decode_range(source, first, elements, out);
}

}  // namespace axl::weights
