#include "kokkos/host.hpp"

namespace axl::kernels::host {
namespace {

void adamw(const AdamW& a, Queue& q) {
  const auto t = static_cast<double>(a.t);
  const double correction1 = 1.0 - std::pow(a.beta1, t);
  const auto root_correction2 = static_cast<float>(std::sqrt(1.0 - std::pow(a.beta2, t)));
  const auto decay = static_cast<float>(1.0 - a.lr * a.weight_decay);
  const auto step = static_cast<float>(a.lr / correction1);
  const auto b1 = static_cast<float>(a.beta1), b2 = static_cast<float>(a.beta2);
  const auto c1 = static_cast<float>(1.0 - a.beta1), c2 = static_cast<float>(1.0 - a.beta2);
  const auto eps = static_cast<float>(a.eps), scale = static_cast<float>(a.grad_scale);
  for_blocks("axl::adamw", q, a.n, [=](std::int64_t first, std::int64_t last) {
#pragma omp simd
    for (std::int64_t i = first; i < last; ++i) {
      const float g = a.g[i] * scale;
      const float m = b1 * a.m[i] + c1 * g;
      const float v = b2 * a.v[i] + c2 * g * g;
      a.m[i] = m;
      a.v[i] = v;
      a.p[i] = a.p[i] * decay - step * m / (std::sqrt(v) / root_correction2 + eps);
    }
  });
}

void sgd(const Sgd& a, Queue& q) {
  const auto lr = static_cast<float>(a.lr), decay = static_cast<float>(a.weight_decay);
  const auto scale = static_cast<float>(a.grad_scale), momentum = static_cast<float>(a.momentum);
  const auto fresh = static_cast<float>(a.t == 1 ? 1.0 : 1.0 - a.dampening);
  const float kept = a.t == 1 ? 0.0f : momentum;
  for_blocks("axl::sgd", q, a.n, [=](std::int64_t first, std::int64_t last) {
    if (a.buffer == nullptr) {
#pragma omp simd
      for (std::int64_t i = first; i < last; ++i) a.p[i] -= lr * (a.g[i] * scale + decay * a.p[i]);
      return;
    }
#pragma omp simd
    for (std::int64_t i = first; i < last; ++i) {
      const float g = a.g[i] * scale + decay * a.p[i];
      const float b = kept * a.buffer[i] + fresh * g;
      a.buffer[i] = b;
      a.p[i] -= lr * (a.nesterov ? g + momentum * b : b);
    }
  });
}

void sum_of_squares(const SumOfSquares& a, Queue& q) {
  const std::int64_t blocks = (a.n + kSumBlock - 1) / kSumBlock;
  Kokkos::parallel_for("axl::sum_of_squares", Range(exec_of(q), 0, blocks), [=](std::int64_t b) {
    const std::int64_t first = b * kSumBlock, last = std::min(a.n, first + kSumBlock);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = first; i < last; ++i) {
      const auto x = static_cast<double>(a.x[i]);
      sum += x * x;
    }
    a.partial[b] = sum;
  });
  double sum = 0;
  for (std::int64_t b = 0; b < blocks; ++b) sum += a.partial[b];
  *a.result = sum;
}

}  // namespace

void add_optimizer(KernelTable& t) {
  t.adamw = &adamw;
  t.sgd = &sgd;
  t.sum_of_squares = &sum_of_squares;
}

}  // namespace axl::kernels::host
