#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "axl/kernels/types.hpp"

// Vectors of 32 bytes through the compiler's vector extension. Loops that are merely hinted at with
// `omp simd` turn scalar as soon as the optimiser makes branches of a clamp; these cannot.

namespace axl::kernels::host {

template <class A>
struct VecOf {
  static constexpr std::int64_t lanes = 32 / static_cast<std::int64_t>(sizeof(A));
  typedef A type __attribute__((vector_size(32)));
};
template <class A>
using Vec = typename VecOf<A>::type;
template <class A>
inline constexpr std::int64_t kLanes = VecOf<A>::lanes;

/// All lanes, or the first `n` of them: what a load or store touches. The other lanes load as zero.
struct All {};
struct First {
  std::int64_t n;
};

inline Vec<float> load(const float* p, All = {}) {
  Vec<float> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline Vec<double> load(const double* p, All = {}) {
  Vec<double> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline Vec<float> load(const bf16* p, All = {}) {
  typedef std::uint16_t Half __attribute__((vector_size(16)));
  Half h;
  std::memcpy(&h, p, sizeof h);
  return std::bit_cast<Vec<float>>(__builtin_convertvector(h, Vec<std::uint32_t>) << 16);
}
inline void store(float* p, Vec<float> v, All = {}) { std::memcpy(p, &v, sizeof v); }
inline void store(double* p, Vec<double> v, All = {}) { std::memcpy(p, &v, sizeof v); }
/// Rounds as the conversion to bf16 does.
inline void store(bf16* p, Vec<float> v, All = {}) {
  typedef std::uint16_t Half __attribute__((vector_size(16)));
  const auto u = std::bit_cast<Vec<std::uint32_t>>(v);
  const Vec<std::uint32_t> rounded = (u + 0x7FFFu + ((u >> 16) & 1u)) >> 16;
  const Vec<std::uint32_t> quiet_nan = (u >> 16) | 0x0040u;
  const Vec<std::uint32_t> bits = (u & 0x7FFFFFFFu) > 0x7F800000u ? quiet_nan : rounded;
  const Half h = __builtin_convertvector(bits, Half);
  std::memcpy(static_cast<void*>(p), &h, sizeof h);
}
template <class T>
Vec<Acc<T>> load(const T* p, First part) {
  T all[kLanes<Acc<T>>] = {};
  std::copy(p, p + part.n, all);
  return load(all);
}
template <class T>
void store(T* p, Vec<Acc<T>> v, First part) {
  T all[kLanes<Acc<T>>];
  store(all, v);
  std::copy(all, all + part.n, p);
}

/// Calls f(i, All{}) for every full vector of [first, last), then f(i, First{rest}) for the rest.
template <class A, class F>
void for_vectors(std::int64_t first, std::int64_t last, F f) {
  std::int64_t i = first;
  for (; i + kLanes<A> <= last; i += kLanes<A>) f(i, All{});
  if (i < last) f(i, First{last - i});
}

template <class A>
Vec<A> splat(A x) {
  return Vec<A>{} + x;
}

/// Sum and maximum of the lanes, in one fixed order.
template <class A>
A sum_lanes(const typename VecOf<A>::type& v) {
  A sum = 0;
  for (int i = 0; i < kLanes<A>; ++i) sum += v[i];
  return sum;
}

template <class A>
A max_lane(const Vec<A>& v) {
  A top = v[0];
  for (int i = 1; i < kLanes<A>; ++i) top = std::max(top, v[i]);
  return top;
}

/// The larger of both; NaN in b stays.
template <class A>
Vec<A> larger(const Vec<A>& a, const Vec<A>& b) {
  return a > b ? a : b;
}

/// y[c][r] = factor * x[r][c] for a square of eight lanes, between rows that lie so many elements
/// apart: pairs, then pairs of pairs, then halves change places.
template <class T>
void transpose_square(const T* x, std::int64_t x_stride, float factor, float* y,
                      std::int64_t y_stride) {
  static_assert(kLanes<float> == 8);
  Vec<float> v[8], u[8];
  for (std::int64_t r = 0; r < 8; ++r) v[r] = factor * load(x + r * x_stride);
  for (int i = 0; i < 8; i += 2) {
    u[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    u[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = i; j < i + 2; ++j) {
      v[j] = __builtin_shufflevector(u[j], u[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      v[j + 2] = __builtin_shufflevector(u[j], u[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int j = 0; j < 4; ++j) {
    store(y + j * y_stride, __builtin_shufflevector(v[j], v[j + 4], 0, 1, 2, 3, 8, 9, 10, 11));
    store(y + (j + 4) * y_stride,
          __builtin_shufflevector(v[j], v[j + 4], 4, 5, 6, 7, 12, 13, 14, 15));
  }
}

/// e^x to about 2 ulp (polynomial of Cephes' expf, Moshier 1992); NaN stays NaN, the argument is
/// clamped to the normal range of float.
inline Vec<float> exp_of(Vec<float> x) {
  const Vec<float> low = Vec<float>{} - 87.3f, high = Vec<float>{} + 88.0f;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Vec<float> shifted =
      x * 1.44269504f + 12582912.0f;  // rounds to nearest in the low mantissa bits
  const Vec<float> n = shifted - 12582912.0f;
  const Vec<float> r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec<float> p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const Vec<float> y = p * r * r + r + 1.0f;
  const auto exponent = std::bit_cast<Vec<std::uint32_t>>(shifted) << 23;
  return y * std::bit_cast<Vec<float>>(exponent + 0x3F800000u);
}
inline Vec<double> exp_of(Vec<double> x) {
  for (int i = 0; i < kLanes<double>; ++i) x[i] = std::exp(x[i]);
  return x;
}

}  // namespace axl::kernels::host
