// The executable definition of the optimisers' steps: serial, in double.
#include "reference/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "axl/kernels/quantile_map.hpp"

namespace axl::kernels::reference {
namespace {

double d(float x) { return static_cast<double>(x); }

void adamw(const AdamW& a, Queue&) {
  const auto t = static_cast<double>(a.t);
  for (std::int64_t i = 0; i < a.n; ++i) {
    const double g = d(a.g[i]) * a.grad_scale;
    const double m = a.beta1 * d(a.m[i]) + (1 - a.beta1) * g;
    const double v = a.beta2 * d(a.v[i]) + (1 - a.beta2) * g * g;
    const double mean = m / (1 - std::pow(a.beta1, t));
    const double root = std::sqrt(v / (1 - std::pow(a.beta2, t)));
    const double p = d(a.p[i]) * (1 - a.lr * a.weight_decay) - a.lr * mean / (root + a.eps);
    a.m[i] = static_cast<float>(m);
    a.v[i] = static_cast<float>(v);
    a.p[i] = static_cast<float>(p);
  }
}

void sum_of_squares(const SumOfSquares& a, Queue&) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.n; ++i) sum += d(a.x[i]) * d(a.x[i]);
  *a.result = sum;
}

/// Codes and scale of one block.
void encode(const QuantileMap& map, const std::vector<double>& x, std::uint8_t* codes,
            float* scale) {
  double largest = 0;
  for (const double v : x) largest = std::max(largest, std::abs(v));
  *scale = static_cast<float>(largest);
  for (std::size_t i = 0; i < x.size(); ++i)
    codes[i] = largest > 0 ? map.encode(static_cast<float>(x[i] / largest)) : 0;
}

void adamw_8bit(const AdamW8bit& a, Queue&) {
  const QuantileMap &m_map = dynamic_map(true), &v_map = dynamic_map(false);
  const auto t = static_cast<double>(a.t);
  for (std::int64_t first = 0; first < a.n; first += kOptimizerBlock) {
    const std::int64_t block = first / kOptimizerBlock;
    std::vector<double> m, v;
    for (std::int64_t i = first; i < std::min(a.n, first + kOptimizerBlock); ++i) {
      const double g = d(a.g[i]) * a.grad_scale;
      m.push_back(a.beta1 * d(m_map.values[a.m[i]]) * d(a.m_scale[block]) + (1 - a.beta1) * g);
      v.push_back(a.beta2 * d(v_map.values[a.v[i]]) * d(a.v_scale[block]) + (1 - a.beta2) * g * g);
      const double mean = m.back() / (1 - std::pow(a.beta1, t));
      const double root = std::sqrt(v.back() / (1 - std::pow(a.beta2, t)));
      a.p[i] = static_cast<float>(d(a.p[i]) * (1 - a.lr * a.weight_decay) -
                                  a.lr * mean / (root + a.eps));
    }
    encode(m_map, m, a.m + first, a.m_scale + block);
    encode(v_map, v, a.v + first, a.v_scale + block);
  }
}

void sgd(const Sgd& a, Queue&) {
  for (std::int64_t i = 0; i < a.n; ++i) {
    const double g = d(a.g[i]) * a.grad_scale + a.weight_decay * d(a.p[i]);
    double step = g;
    if (a.buffer != nullptr) {
      const double b = a.t == 1 ? g : a.momentum * d(a.buffer[i]) + (1 - a.dampening) * g;
      a.buffer[i] = static_cast<float>(b);
      step = a.nesterov ? g + a.momentum * b : b;
    }
    a.p[i] = static_cast<float>(d(a.p[i]) - a.lr * step);
  }
}

void adafactor(const Adafactor& a, Queue&) {
  const std::int64_t n = a.rows * a.columns;
  const auto rows = static_cast<double>(a.rows), columns = static_cast<double>(a.columns);
  const auto square = [&](std::int64_t i) {
    const double g = d(a.g[i]) * a.grad_scale;
    return g * g + a.eps;
  };
  const auto blend = [&](float& old, double now) {
    old = static_cast<float>(a.beta2 * d(old) + (1 - a.beta2) * now);
  };
  double size = 0;
  for (std::int64_t i = 0; i < n; ++i) size += d(a.p[i]) * d(a.p[i]);
  size = std::sqrt(size / static_cast<double>(n));
  double mean = 0;
  for (std::int64_t r = 0; a.row != nullptr && r < a.rows; ++r) {
    double sum = 0;
    for (std::int64_t c = 0; c < a.columns; ++c) sum += square(r * a.columns + c);
    blend(a.row[r], sum / columns);
    mean += d(a.row[r]) / rows;
  }
  for (std::int64_t c = 0; a.row != nullptr && c < a.columns; ++c) {
    double sum = 0;
    for (std::int64_t r = 0; r < a.rows; ++r) sum += square(r * a.columns + c);
    blend(a.column[c], sum / rows);
  }
  std::vector<double> x(static_cast<std::size_t>(n));
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (a.row == nullptr) blend(a.second[i], square(i));
    const double v = a.row == nullptr ? d(a.second[i])
                                      : d(a.row[i / a.columns]) / mean * d(a.column[i % a.columns]);
    const double step = d(a.g[i]) * a.grad_scale / std::sqrt(v);
    x[static_cast<std::size_t>(i)] = step;
    sum += step * step;
  }
  const double lr = a.lr * (a.scale_floor > 0 ? std::max(a.scale_floor, size) : 1.0);
  const double scale =
      lr / std::max(1.0, std::sqrt(sum / static_cast<double>(n)) / a.clip_threshold);
  for (std::int64_t i = 0; i < n; ++i) {
    double step = x[static_cast<std::size_t>(i)] * scale;
    if (a.first != nullptr) {
      step = a.beta1 * d(a.first[i]) + (1 - a.beta1) * step;
      a.first[i] = static_cast<float>(step);
    }
    a.p[i] = static_cast<float>(d(a.p[i]) * (1 - a.weight_decay * lr) - step);
  }
}

}  // namespace

void add_optimizer(KernelTable& t) {
  t.adamw = &adamw;
  t.adamw_8bit = &adamw_8bit;
  t.sgd = &sgd;
  t.adafactor = &adafactor;
  t.sum_of_squares = &sum_of_squares;
}

}  // namespace axl::kernels::reference
