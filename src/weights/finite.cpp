#include "weights/finite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "weights/convert.hpp"

namespace axl::weights {
namespace {

constexpr std::int64_t kPiece = 4096;  // a multiple of every block, small enough for the cache
constexpr std::uint32_t kInfinity = 0x7F800000u;

/// Bits of the largest magnitude; NaN counts as larger than infinity. Vectorises.
std::uint32_t largest_bits(const float* values, std::int64_t n) {
  std::uint32_t largest = 0;
  for (std::int64_t i = 0; i < n; ++i)
    largest = std::max(largest, std::bit_cast<std::uint32_t>(values[i]) & 0x7FFFFFFFu);
  return largest;
}

std::uint16_t largest_bits(const bf16* values, std::int64_t n) {
  std::uint16_t largest = 0;
  for (std::int64_t i = 0; i < n; ++i)
    largest = std::max(largest, static_cast<std::uint16_t>(values[i].bits & 0x7FFFu));
  return largest;
}

/// From these bits on, a magnitude is infinite after it has been rounded to `target`.
std::uint32_t first_too_large(Storage target) {
  switch (target) {
    case Storage::f16:
      return std::bit_cast<std::uint32_t>(65520.0f);
    case Storage::bf16:
      return 0x7F7F8000u;
    case Storage::q8_0:  // its scale is a half: the largest magnitude / 127
      return std::bit_cast<std::uint32_t>(65520.0f * 127.0f);
    default:
      return kInfinity;
  }
}

const char* types_that_hold(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(std::abs(value));
  return bits < first_too_large(Storage::bf16) ? "BF16 and F32 hold it" : "F32 holds it";
}

std::string place(const TensorEntry& t, std::int64_t element) {
  std::string out = (t.file == nullptr ? "" : *t.file + ": ") + "tensor '" + t.name + "'";
  out += fmt::format(" at element {}", element);
  if (t.shape.size() == 2 && t.shape[1] > 0)
    out += fmt::format(" (row {}, column {})", element / t.shape[1], element % t.shape[1]);
  return out;
}

[[noreturn]] void refuse_infinite(const TensorEntry& t, std::int64_t element, float value) {
  throw Error(ErrorCode::input, fmt::format("{}: the value is {}", place(t, element), value))
      .hint("the file is damaged, or was saved by a training that had diverged");
}

void check(const TensorEntry& t, std::int64_t first, std::int64_t n, const float* values) {
  if (largest_bits(values, n) < kInfinity) return;
  for (std::int64_t i = 0; i < n; ++i)
    if (!std::isfinite(values[i])) refuse_infinite(t, first + i, values[i]);
}

void check(const TensorEntry& t, std::int64_t first, std::int64_t n, const bf16* values) {
  if (largest_bits(values, n) < 0x7F80u) return;
  std::array<float, kPiece> source;  // what the values were before they were rounded
  to_float(t, first, n, source.data());
  check(t, first, n, source.data());
  for (std::int64_t i = 0; i < n; ++i)
    if (largest_bits(values + i, 1) >= 0x7F80u)
      throw Error(ErrorCode::input,
                  fmt::format("{}: the value {} becomes infinite in BF16", place(t, first + i),
                              source[static_cast<std::size_t>(i)]))
          .hint("F32 holds it");
}

void decode(const TensorEntry& t, std::int64_t first, std::int64_t n, float* out) {
  to_float(t, first, n, out);
}
void decode(const TensorEntry& t, std::int64_t first, std::int64_t n, bf16* out) {
  to_bf16(t, first, n, out);
}

template <class T>
void decode_checked(const TensorEntry& t, std::int64_t first, std::int64_t elements, T* out) {
  for (std::int64_t done = 0; done < elements; done += kPiece) {
    const std::int64_t n = std::min(kPiece, elements - done);
    decode(t, first + done, n, out + done);
    check(t, first + done, n, out + done);
  }
}

}  // namespace

void to_finite_float(const TensorEntry& source, std::int64_t first, std::int64_t elements,
                     float* out) {
  decode_checked(source, first, elements, out);
}

void to_finite_bf16(const TensorEntry& source, std::int64_t first, std::int64_t elements,
                    bf16* out) {
  decode_checked(source, first, elements, out);
}

void require_finite(const TensorEntry& source, std::int64_t first, std::int64_t elements) {
  if (is_integer(source.storage)) return;
  const auto each_piece = [&](auto* buffer) {
    for (std::int64_t done = 0; done < elements; done += kPiece) {
      const std::int64_t n = std::min(kPiece, elements - done);
      decode(source, first + done, n, buffer);
      check(source, first + done, n, buffer);
    }
  };
  if (source.storage == Storage::bf16) {
    std::array<bf16, kPiece> piece;
    each_piece(piece.data());
  } else {
    std::array<float, kPiece> piece;
    each_piece(piece.data());
  }
}

void encode_finite(const std::string& tensor, std::int64_t first, const float* values,
                   std::int64_t elements, Storage target, std::byte* out) {
  const std::uint32_t limit = std::min(first_too_large(target), kInfinity);
  if (!is_integer(target) && largest_bits(values, elements) >= limit)
    for (std::int64_t i = 0; i < elements; ++i) {
      if (largest_bits(values + i, 1) < limit) continue;
      const std::string what = fmt::format("tensor '{}' at element {}: ", tensor, first + i);
      if (!std::isfinite(values[i]))
        throw Error(ErrorCode::numeric, what + fmt::format("the value became {}", values[i]));
      throw Error(ErrorCode::input, what + fmt::format("the value {} is too large for {}",
                                                       values[i], name_of(target)))
          .hint(types_that_hold(values[i]));
    }
  encode(values, elements, target, out);
}

}  // namespace axl::weights
