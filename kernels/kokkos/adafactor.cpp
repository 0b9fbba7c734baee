#include "kokkos/host.hpp"

namespace axl::kernels::host {
namespace {

/// A stretch of a row: the sums of a step are made over these, in their order.
struct Piece {
  std::int64_t row, first, last;
};

Piece piece_of(const Adafactor& a, std::int64_t i) {
  const std::int64_t in_row = (a.columns + kAdafactorBlock - 1) / kAdafactorBlock;
  const std::int64_t first = i % in_row * kAdafactorBlock;
  return {i / in_row, first, std::min(a.columns, first + kAdafactorBlock)};
}

/// sum of f(row, column) over everything, in pieces.
template <class F>
double sum_over(const char* label, const Adafactor& a, Queue& q, F f) {
  const std::int64_t pieces = adafactor_partials(a.rows, a.columns);
  Kokkos::parallel_for(label, Range(exec_of(q), 0, pieces), [=](std::int64_t i) {
    const Piece piece = piece_of(a, i);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t c = piece.first; c < piece.last; ++c) sum += f(piece.row, c);
    a.partial[i] = sum;
  });
  double sum = 0;
  for (std::int64_t i = 0; i < pieces; ++i) sum += a.partial[i];
  return sum;
}

/// Columns whose sums a thread makes at once: two cache lines of floats.
constexpr std::int64_t kColumns = 32;

void update_factors(const Adafactor& a, Queue& q) {
  const auto scale = static_cast<float>(a.grad_scale), eps = static_cast<float>(a.eps);
  const auto blend = [a](float& old, double now) {
    old = static_cast<float>(a.beta2 * static_cast<double>(old) + (1.0 - a.beta2) * now);
  };
  Kokkos::parallel_for("axl::adafactor_rows", Range(exec_of(q), 0, a.rows), [=](std::int64_t r) {
    const float* g = a.g + r * a.columns;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t c = 0; c < a.columns; ++c) {
      const float x = g[c] * scale;
      sum += static_cast<double>(x * x + eps);
    }
    blend(a.row[r], sum / static_cast<double>(a.columns));
  });
  const std::int64_t stripes = (a.columns + kColumns - 1) / kColumns;
  Kokkos::parallel_for("axl::adafactor_columns", Range(exec_of(q), 0, stripes),
                       [=](std::int64_t s) {
                         const std::int64_t first = s * kColumns;
                         const std::int64_t n = std::min(kColumns, a.columns - first);
                         double sums[kColumns] = {};
                         for (std::int64_t r = 0; r < a.rows; ++r) {
                           const float* g = a.g + r * a.columns + first;
#pragma omp simd
                           for (std::int64_t c = 0; c < n; ++c) {
                             const float x = g[c] * scale;
                             sums[c] += static_cast<double>(x * x + eps);
                           }
                         }
                         for (std::int64_t c = 0; c < n; ++c)
                           blend(a.column[first + c], sums[c] / static_cast<double>(a.rows));
                       });
}

/// `direction(row, column)` is the gradient over the root of its second moment.
template <class F>
void apply(const Adafactor& a, Queue& q, double lr, F direction) {
  const double n = static_cast<double>(a.rows) * static_cast<double>(a.columns);
  const double sum = sum_over("axl::adafactor_rms", a, q, [=](std::int64_t r, std::int64_t c) {
    const auto x = static_cast<double>(direction(r, c));
    return x * x;
  });
  const auto scale = static_cast<float>(lr / std::max(1.0, std::sqrt(sum / n) / a.clip_threshold));
  const auto keep = static_cast<float>(1.0 - a.weight_decay * lr);
  const auto b1 = static_cast<float>(a.beta1), c1 = static_cast<float>(1.0 - a.beta1);
  const std::int64_t pieces = adafactor_partials(a.rows, a.columns);
  Kokkos::parallel_for("axl::adafactor", Range(exec_of(q), 0, pieces), [=](std::int64_t i) {
    const Piece piece = piece_of(a, i);
    float* p = a.p + piece.row * a.columns;
    float* first = a.first == nullptr ? nullptr : a.first + piece.row * a.columns;
    if (first == nullptr) {
#pragma omp simd
      for (std::int64_t c = piece.first; c < piece.last; ++c)
        p[c] = p[c] * keep - direction(piece.row, c) * scale;
      return;
    }
#pragma omp simd
    for (std::int64_t c = piece.first; c < piece.last; ++c) {
      first[c] = b1 * first[c] + c1 * (direction(piece.row, c) * scale);
      p[c] = p[c] * keep - first[c];
    }
  });
}

void adafactor(const Adafactor& a, Queue& q) {
  const double n = static_cast<double>(a.rows) * static_cast<double>(a.columns);
  double lr = a.lr;
  if (a.scale_floor > 0) {
    const double sum = sum_over("axl::adafactor_size", a, q, [=](std::int64_t r, std::int64_t c) {
      const auto x = static_cast<double>(a.p[r * a.columns + c]);
      return x * x;
    });
    lr *= std::max(a.scale_floor, std::sqrt(sum / n));
  }
  const auto scale = static_cast<float>(a.grad_scale);
  if (a.row != nullptr) {
    update_factors(a, q);
    double mean = 0;
    for (std::int64_t r = 0; r < a.rows; ++r) mean += static_cast<double>(a.row[r]);
    const auto inverse = static_cast<float>(static_cast<double>(a.rows) / mean);
    apply(a, q, lr, [=](std::int64_t r, std::int64_t c) {
      const float along_row = 1.0f / std::sqrt(a.row[r] * inverse);
      return a.g[r * a.columns + c] * scale * along_row * (1.0f / std::sqrt(a.column[c]));
    });
    return;
  }
  const auto b2 = static_cast<float>(a.beta2), c2 = static_cast<float>(1.0 - a.beta2);
  const auto eps = static_cast<float>(a.eps);
  for_blocks("axl::adafactor_second", q, a.columns, [=](std::int64_t first, std::int64_t last) {
#pragma omp simd
    for (std::int64_t i = first; i < last; ++i) {
      const float x = a.g[i] * scale;
      a.second[i] = b2 * a.second[i] + c2 * (x * x + eps);
    }
  });
  apply(a, q, lr, [=](std::int64_t, std::int64_t c) {
    return a.g[c] * scale * (1.0f / std::sqrt(a.second[c]));
  });
}

}  // namespace

void add_adafactor(KernelTable& t) { t.adafactor = &adafactor; }

}  // namespace axl::kernels::host
