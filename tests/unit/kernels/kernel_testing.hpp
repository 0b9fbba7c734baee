#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "core/rng.hpp"
#include "support/session.hpp"

namespace axl::test {

/// Back ends that are held against reference_table().
enum class Backend : std::uint8_t { kokkos, production };

inline kernels::KernelTable table_of(Backend b) {
  return b == Backend::kokkos ? kernels::kokkos_table() : kernels::make_kernel_table();
}

template <class T>
double number(T x) {
  if constexpr (std::is_same_v<T, bf16>)
    return static_cast<double>(static_cast<float>(x));
  else
    return static_cast<double>(x);
}
template <class T>
T value(double x) {
  if constexpr (std::is_same_v<T, bf16>)
    return bf16(static_cast<float>(x));
  else
    return static_cast<T>(x);
}

/// n values, uniform in [-scale, scale), the same for the same seed.
template <class T>
std::vector<T> uniform(std::int64_t n, std::uint64_t seed, double scale = 1.0) {
  std::vector<T> out(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = value<T>((2.0 * random_uniform(seed, 7, i) - 1.0) * scale);
  return out;
}

/// Largest error, relative to the largest value of an array, that rounding explains when every
/// element is a sum of n terms: half a unit of storage, twice for a second rounding on the way, and
/// the random walk of n roundings in the accumulator.
inline double tol(DType t, std::int64_t n) {
  const double walk = 4.0 + 2.0 * std::sqrt(static_cast<double>(n));
  switch (t) {
    case DType::f64:
      return 0x1p-53 * walk * 2;
    case DType::bf16:
      return 0x1p-8 + 0x1p-24 * walk;
    default:
      return 0x1p-24 * walk * 2;
  }
}

/// Largest difference relative to the largest expected value; NaN in only one counts as infinite.
template <class T>
double distance(const std::vector<T>& actual, const std::vector<T>& expected) {
  double worst = 0, scale = std::numeric_limits<double>::min();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double a = number(actual[i]), e = number(expected[i]);
    if (std::isnan(a) != std::isnan(e)) return std::numeric_limits<double>::infinity();
    if (std::isnan(a) || a == e) continue;
    worst = std::max(worst, std::abs(a - e));
    scale = std::max(scale, std::abs(e));
  }
  for (const T e : expected)
    if (std::isfinite(number(e))) scale = std::max(scale, std::abs(number(e)));
  return worst / scale;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// One test body for every back end and compute type.
class KernelTest : public ::testing::TestWithParam<std::tuple<Backend, DType>> {
 protected:
  kernels::KernelTable table = table_of(std::get<0>(GetParam()));
  kernels::KernelTable reference = kernels::reference_table();
  DType dtype = std::get<1>(GetParam());
  kernels::Queue& queue = session().queue();

  template <class F>
  void typed(F f) {
    if (dtype == DType::f32)
      f(float{});
    else if (dtype == DType::bf16)
      f(bf16{});
    else
      f(double{});
  }
};

inline std::string case_name(const ::testing::TestParamInfo<std::tuple<Backend, DType>>& info) {
  return std::string(std::get<0>(info.param) == Backend::kokkos ? "kokkos_" : "production_") +
         std::string(name_of(std::get<1>(info.param)));
}

/// One list for every suite of kernels.
#define AXL_EVERY_BACKEND(suite)                                                  \
  INSTANTIATE_TEST_SUITE_P(                                                       \
      Every, suite,                                                               \
      ::testing::Combine(::testing::Values(Backend::kokkos, Backend::production), \
                         ::testing::Values(DType::f32, DType::bf16, DType::f64)), \
      case_name)

struct Size {
  std::int64_t rows, columns;
};
inline const std::vector<Size>& sizes() {
  static const std::vector<Size> all = {{1, 1}, {3, 7}, {17, 64}, {33, 65}, {64, 128}, {5, 2050}};
  return all;
}

}  // namespace axl::test
