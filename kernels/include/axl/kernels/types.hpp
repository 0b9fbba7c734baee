#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <type_traits>

#if defined(__CUDACC__) || defined(__HIPCC__)
#define AXL_HD __host__ __device__
#else
#define AXL_HD
#endif

namespace axl {

/// Element types of tensors and of weight files.
enum class DType : std::uint8_t { f32, bf16, f16, f64, i64, i32, u8, i8 };

constexpr std::int64_t size_of(DType t) {
  switch (t) {
    case DType::f64:
    case DType::i64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::bf16:
    case DType::f16:
      return 2;
    case DType::u8:
    case DType::i8:
      return 1;
  }
  return 0;
}

constexpr std::string_view name_of(DType t) {
  switch (t) {
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::f16:
      return "f16";
    case DType::f64:
      return "f64";
    case DType::i64:
      return "i64";
    case DType::i32:
      return "i32";
    case DType::u8:
      return "u8";
    case DType::i8:
      return "i8";
  }
  return "?";
}

/// bfloat16: the upper half of an IEEE float; rounds to nearest even, keeps NaN a NaN.
struct bf16 {
  std::uint16_t bits = 0;
  bf16() = default;
  AXL_HD explicit bf16(float f) {
    const std::uint32_t u = std::bit_cast<std::uint32_t>(f);
    // Branch-free so that the compiler vectorises conversions.
    const std::uint32_t rounded = (u + 0x7FFFu + ((u >> 16) & 1u)) >> 16;
    const std::uint32_t quiet_nan = (u >> 16) | 0x0040u;
    bits = static_cast<std::uint16_t>((u & 0x7FFFFFFFu) > 0x7F800000u ? quiet_nan : rounded);
  }
  AXL_HD explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};
static_assert(sizeof(bf16) == 2);

/// IEEE half precision, for files only: bits to float and back (round to nearest even).
float f16_to_float(std::uint16_t bits);
std::uint16_t float_to_f16(float value);

namespace kernels {
/// The type in which sums over T are taken, and of statistics and gradients that belong to T.
template <class T>
struct AccOf {
  using type = float;
};
template <>
struct AccOf<double> {
  using type = double;
};
template <class T>
using Acc = typename AccOf<T>::type;
}  // namespace kernels

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::f32;
  else if constexpr (std::is_same_v<T, bf16>)
    return DType::bf16;
  else if constexpr (std::is_same_v<T, double>)
    return DType::f64;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return DType::i64;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return DType::i32;
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return DType::u8;
  else
    static_assert(sizeof(T) == 0, "no DType for this type");
}

}  // namespace axl
