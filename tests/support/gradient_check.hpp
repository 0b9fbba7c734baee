#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/rng.hpp"
#include "tensor/parameters.hpp"

namespace axl::test {

/// n doubles, uniform in [-scale, scale), the same for the same seed.
inline std::vector<double> random_doubles(std::int64_t n, std::uint64_t seed, double scale = 1.0) {
  std::vector<double> out(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = (2.0 * random_uniform(seed, 11, i) - 1.0) * scale;
  return out;
}

/// A double tensor that owns its memory.
struct DoubleTensor {
  std::vector<double> values;
  tensor::TensorView view;
  DoubleTensor(std::int64_t rows, std::int64_t columns, std::uint64_t seed, double scale = 1.0)
      : values(random_doubles(rows * columns, seed, scale)),
        view(values.data(), DType::f64, {rows, columns}) {}
  DoubleTensor(const DoubleTensor&) = delete;
  DoubleTensor& operator=(const DoubleTensor&) = delete;
  operator tensor::TensorView() const { return view; }
};
/// The same with one axis.
struct DoubleVector : DoubleTensor {
  DoubleVector(std::int64_t n, std::uint64_t seed, double scale = 1.0)
      : DoubleTensor(n, 1, seed, scale) {
    view = tensor::TensorView(values.data(), DType::f64, {n});
  }
};

inline double dot(tensor::TensorView a, tensor::TensorView b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.elements(); ++i) sum += a.as<double>()[i] * b.as<double>()[i];
  return sum;
}

/// One array that the scalar function depends on, and what backward said of it. Copy `gradient`
/// before evaluating the function again where that overwrites it.
struct Checked {
  std::string name;
  double* x;
  std::vector<double> gradient;
};
inline Checked checked(std::string name, tensor::TensorView x, tensor::TensorView gradient) {
  const double* g = gradient.as<double>();
  return {std::move(name), x.as<double>(), std::vector<double>(g, g + gradient.elements())};
}

/// Central differences of `f` in double against the given gradients, element by element; at most
/// `probes` elements of each array, spread over it. With steps of 1e-5 the truncation error is
/// about 1e-10 times the third derivative and rounding about 1e-11 times |f|, hence the bound.
template <class F>
void check_gradients(F f, const std::vector<Checked>& arrays, double bound = 2e-7,
                     std::size_t probes = 64) {
  constexpr double kStep = 1e-5;
  for (const Checked& a : arrays) {
    const std::size_t n = a.gradient.size();
    const std::size_t stride = std::max<std::size_t>(1, n / probes);
    double worst = 0, largest = 0;
    std::size_t where = 0;
    for (std::size_t i = 0; i < n; i += stride) {
      const double before = a.x[i];
      a.x[i] = before + kStep;
      const double above = f();
      a.x[i] = before - kStep;
      const double below = f();
      a.x[i] = before;
      const double numeric = (above - below) / (2 * kStep);
      const double error = std::abs(numeric - a.gradient[i]) / (1.0 + std::abs(numeric));
      largest = std::max(largest, std::abs(numeric));
      if (!(error <= worst)) {
        worst = error;
        where = i;
      }
    }
    EXPECT_LE(worst, bound) << a.name << "[" << where << "]: backward says " << a.gradient[where];
    EXPECT_GT(largest, 1e-6) << a.name << " has no influence: the check would prove nothing";
  }
}

/// The derivative of `f` along one random direction of every parameter of a table, one parameter at
/// a time: four evaluations each whatever its size.
template <class F>
void check_parameters(F f, tensor::ParameterTable& table, double bound = 1e-7) {
  constexpr double kStep = 1e-5;
  std::vector<std::vector<double>> gradients;
  for (const tensor::Parameter& p : table.all()) {
    const double* g = p.grad.as<double>();
    gradients.emplace_back(g, g + p.elements());
  }
  std::size_t number = 0;
  for (const tensor::Parameter& p : table.all()) {
    const std::vector<double> direction = random_doubles(p.elements(), 1000 + number);
    double* x = p.master.as<double>();
    const std::vector<double> before(x, x + p.elements());
    double analytic = 0;
    const auto move = [&](double step) {
      for (std::size_t i = 0; i < before.size(); ++i) x[i] = before[i] + step * direction[i];
      return f();
    };
    for (std::size_t i = 0; i < before.size(); ++i) analytic += direction[i] * gradients[number][i];
    // Five points: whole directions through sharp softmaxes have large third derivatives.
    const double near = move(kStep) - move(-kStep), far = move(2 * kStep) - move(-2 * kStep);
    const double numeric = (8 * near - far) / (12 * kStep);
    std::copy(before.begin(), before.end(), x);
    EXPECT_NEAR(analytic, numeric, bound * (1.0 + std::abs(numeric))) << p.name;
    EXPECT_GT(std::abs(numeric), 1e-9)
        << p.name << " has no influence: the check would prove nothing";
    ++number;
  }
}

}  // namespace axl::test
