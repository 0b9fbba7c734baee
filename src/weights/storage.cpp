// Conversion of stored tensors to float and bfloat16. Block layouts are those of GGML
// (ggml-quants: Q8_0, Q4_0, Q4_1 of 32 elements; Q4_K, Q6_K of 256).
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

constexpr std::array<Layout, 11> kLayouts{{{"F32", 1, 4},
                                           {"F16", 1, 2},
                                           {"BF16", 1, 2},
                                           {"I64", 1, 8},
                                           {"I32", 1, 4},
                                           {"U8", 1, 1},
                                           {"Q8_0", 32, 34},
                                           {"Q4_0", 32, 18},
                                           {"Q4_1", 32, 20},
                                           {"Q4_K", 256, 144},
                                           {"Q6_K", 256, 210}}};

const Layout& layout_of(Storage storage) { return kLayouts[static_cast<std::size_t>(storage)]; }

template <class T>
T load(const std::byte* p) {  // files align nothing
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

/// Same values as axl::f16_to_float, without branches so that loops vectorise.
float half(const std::byte* p) {
  const std::uint32_t h = load<std::uint16_t>(p);
  const std::uint32_t magnitude = (h & 0x7FFFu) << 13;
  const float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  std::uint32_t bits = std::bit_cast<std::uint32_t>(scaled);
  if (magnitude >= 0x0F800000u) bits |= 0x7F800000u;  // Inf and NaN keep their payload
  return std::bit_cast<float>(bits | ((h & 0x8000u) << 16));
}

std::int32_t low_nibble(std::byte b) { return std::to_integer<std::int32_t>(b & std::byte{15}); }
std::int32_t high_nibble(std::byte b) { return std::to_integer<std::int32_t>(b >> 4); }

void q8_0(const std::byte* p, float* out) {
  const float d = half(p);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(load<std::int8_t>(p + 2 + i));
}

void q4_0(const std::byte* p, float* out) {
  const float d = half(p);
  for (int i = 0; i < 16; ++i) out[i] = d * static_cast<float>(low_nibble(p[2 + i]) - 8);
  for (int i = 0; i < 16; ++i) out[16 + i] = d * static_cast<float>(high_nibble(p[2 + i]) - 8);
}

void q4_1(const std::byte* p, float* out) {
  const float d = half(p);
  const float least = half(p + 2);
  for (int i = 0; i < 16; ++i) out[i] = d * static_cast<float>(low_nibble(p[4 + i])) + least;
  for (int i = 0; i < 16; ++i) out[16 + i] = d * static_cast<float>(high_nibble(p[4 + i])) + least;
}

/// d, dmin (f16); 8 scales and 8 minima of 6 bits in 12 bytes; 256 nibbles.
void q4_k(const std::byte* p, float* out) {
  const float d = half(p);
  const float d_least = half(p + 2);
  const auto packed = [p](int i) { return std::to_integer<std::uint32_t>(p[4 + i]); };
  const std::byte* nibbles = p + 16;
  for (int group = 0; group < 8; ++group) {
    std::uint32_t scale = 0;
    std::uint32_t least = 0;
    if (group < 4) {
      scale = packed(group) & 63u;
      least = packed(group + 4) & 63u;
    } else {
      scale = (packed(group + 4) & 15u) | ((packed(group - 4) >> 6) << 4);
      least = (packed(group + 4) >> 4) | ((packed(group) >> 6) << 4);
    }
    const float a = d * static_cast<float>(scale);
    const float b = d_least * static_cast<float>(least);
    const std::byte* q = nibbles + 32 * (group / 2);
    float* y = out + 32 * group;
    if (group % 2 == 0) {
      for (int i = 0; i < 32; ++i) y[i] = a * static_cast<float>(low_nibble(q[i])) - b;
    } else {
      for (int i = 0; i < 32; ++i) y[i] = a * static_cast<float>(high_nibble(q[i])) - b;
    }
  }
}

/// 128 bytes of lower nibbles, 64 bytes of upper bit pairs, 16 signed scales, d (f16).
void q6_k(const std::byte* p, float* out) {
  const float d = half(p + 208);
  for (int part = 0; part < 2; ++part) {
    const std::byte* lower = p + 64 * part;
    const std::byte* upper = p + 128 + 32 * part;
    const std::byte* scales = p + 192 + 8 * part;
    for (int quarter = 0; quarter < 4; ++quarter) {
      float* y = out + 128 * part + 32 * quarter;
      const std::byte* q = lower + 32 * (quarter % 2);
      for (int i = 0; i < 32; ++i) {
        const std::int32_t nibble = quarter < 2 ? low_nibble(q[i]) : high_nibble(q[i]);
        const std::int32_t pair = (std::to_integer<std::int32_t>(upper[i]) >> (2 * quarter)) & 3;
        const float scale =
            d * static_cast<float>(load<std::int8_t>(scales + 2 * quarter + i / 16));
        y[i] = scale * static_cast<float>((nibble | (pair << 4)) - 32);
      }
    }
  }
}

template <void (*decode)(const std::byte*, float*)>
void decode_blocks(const std::byte* p, const Layout& layout, std::int64_t blocks, float* out) {
  for (std::int64_t b = 0; b < blocks; ++b) decode(p + b * layout.bytes, out + b * layout.block);
}

template <class T>
void convert(const std::byte* p, std::int64_t n, float* out) {
  for (std::int64_t i = 0; i < n; ++i)
    out[i] = static_cast<float>(load<T>(p + i * static_cast<std::int64_t>(sizeof(T))));
}

/// `n` elements that lie together in the file from element `first` on.
void decode_run(const TensorEntry& t, std::int64_t first, std::int64_t n, float* out) {
  const Layout& layout = layout_of(t.storage);
  const std::byte* p = t.bytes.data() + first / layout.block * layout.bytes;
  const std::int64_t blocks = n / layout.block;
  switch (t.storage) {
    case Storage::f32:
      std::memcpy(out, p, static_cast<std::size_t>(n) * 4);
      break;
    case Storage::f16:
      for (std::int64_t i = 0; i < n; ++i) out[i] = half(p + 2 * i);
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
    case Storage::q8_0:
      decode_blocks<q8_0>(p, layout, blocks, out);
      break;
    case Storage::q4_0:
      decode_blocks<q4_0>(p, layout, blocks, out);
      break;
    case Storage::q4_1:
      decode_blocks<q4_1>(p, layout, blocks, out);
      break;
    case Storage::q4_k:
      decode_blocks<q4_k>(p, layout, blocks, out);
      break;
    case Storage::q6_k:
      decode_blocks<q6_k>(p, layout, blocks, out);
      break;
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
  const std::int64_t block = block_of(t.storage);
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

std::int64_t bytes_of(Storage storage, std::int64_t elements) {
  const Layout& layout = layout_of(storage);
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
