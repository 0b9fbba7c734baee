#include "kokkos/host.hpp"

namespace axl::kernels::host {
namespace {

template <class T>
void columns(const Columns<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::columns", Range(exec_of(q), 0, a.R), [=](std::int64_t r) {
    const std::int64_t narrow = r * a.N, wide = r * a.V;
    for (std::int64_t n = 0; n < a.N; ++n) {
      if (!a.scatter)
        a.y[narrow + n] = a.x[wide + a.columns[n]];
      else
        a.y[wide + a.columns[n]] = a.x == nullptr ? T(0) : a.x[narrow + n];
    }
  });
}

/// Parallel over rows: two of the columns may be the same, and their sum goes in order.
template <class T>
void columns_add(const ColumnsAdd<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::columns_add", Range(exec_of(q), 0, a.R), [=](std::int64_t r) {
    for (std::int64_t n = 0; n < a.N; ++n) a.y[r * a.V + a.columns[n]] += up(a.x[r * a.N + n]);
  });
}

template <class T>
void scale_columns(const ScaleColumns<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::scale_columns", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    const T* x = a.x + t * a.C;
    T* y = a.y + t * a.C;
    if (a.accumulate) {
#pragma omp simd
      for (std::int64_t c = 0; c < a.C; ++c) y[c] = T(up(y[c]) + a.scale[c] * up(x[c]));
    } else {
#pragma omp simd
      for (std::int64_t c = 0; c < a.C; ++c) y[c] = T(a.scale[c] * up(x[c]));
    }
  });
}

template <class T>
void scale_columns_grad(const ScaleColumnsGrad<T>& a, Queue& q) {
  using A = Acc<T>;
  const std::int64_t rows_each = (a.T + kScalePartials - 1) / kScalePartials;
  Kokkos::parallel_for(
      "axl::scale_columns_grad", Range(exec_of(q), 0, kScalePartials), [=](std::int64_t b) {
        A* part = a.partial + b * a.C;
        std::fill(part, part + a.C, A(0));
        for (std::int64_t t = b * rows_each; t < std::min(a.T, (b + 1) * rows_each); ++t) {
          const T* dy = a.dy + t * a.C;
          const T* x = a.x + t * a.C;
#pragma omp simd
          for (std::int64_t c = 0; c < a.C; ++c) part[c] += up(dy[c]) * up(x[c]);
        }
      });
  for (std::int64_t c = 0; c < a.C; ++c) {
    A sum = 0;
    for (std::int64_t b = 0; b < kScalePartials; ++b) sum += a.partial[b * a.C + c];
    a.dscale[c] += a.weight == nullptr ? sum : a.weight[c] * sum;
  }
}

template <class T>
void dora_factor(const DoraFactor<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::dora_factor", Range(exec_of(q), 0, a.O), [=](std::int64_t o) {
    const T* b = a.b + o * a.r;
    double cross = 0, square = 0;
    for (std::int64_t k = 0; k < a.r; ++k) {
      const double bk = double(up(b[k]));
      cross += bk * double(a.aw[k * a.O + o]);
      double row = 0;
      for (std::int64_t l = 0; l < a.r; ++l) row += double(a.aa[k * a.r + l]) * double(up(b[l]));
      square += bk * row;
    }
    const double norm =
        std::sqrt(double(a.base[o]) + 2.0 * a.scale * cross + a.scale * a.scale * square);
    a.inverse_norm[o] = Acc<T>(1.0 / norm);
    a.factor[o] = Acc<T>(double(a.magnitude[o]) / norm);
  });
}

}  // namespace

void add_columns(KernelTable& t) {
  t.columns = {"kokkos", &columns<float>, &columns<bf16>, &columns<double>};
  t.columns_add = {"kokkos", &columns_add<float>, &columns_add<bf16>, &columns_add<double>};
  t.scale_columns = {"kokkos", &scale_columns<float>, &scale_columns<bf16>, &scale_columns<double>};
  t.scale_columns_grad = {"kokkos", &scale_columns_grad<float>, &scale_columns_grad<bf16>,
                          &scale_columns_grad<double>};
  t.dora_factor = {"kokkos", &dora_factor<float>, &dora_factor<bf16>, &dora_factor<double>};
}

}  // namespace axl::kernels::host
