#include <cstring>

#include "kokkos/host.hpp"
#include "kokkos/simd.hpp"

namespace axl::kernels::host {
namespace {

template <class T>
void copy(const Copy<T>& a, Queue& q) {
  for_blocks("axl::copy", q, a.n, [=](std::int64_t first, std::int64_t last) {
    std::copy(a.x + first, a.x + last, a.y + first);
  });
}

template <class T>
void copy_columns(const CopyColumns<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::copy_columns", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    const T* x = a.x + t * a.x_stride;
    std::copy(x, x + a.C, a.y + t * a.y_stride);
  });
}

void fill_zero(const FillZero& a, Queue& q) {
  exec_of(q).fence("axl::fill_zero");
  std::memset(a.x, 0, static_cast<std::size_t>(a.bytes));
}

void sum(const Sum& a, Queue& q) {
  exec_of(q).fence("axl::sum");
  double total = 0;
  for (std::int64_t i = 0; i < a.n; ++i) total += a.x[i];
  *a.result = total;
}

template <class T>
void add(const Add<T>& a, Queue& q) {
  for_blocks("axl::add", q, a.n, [=](std::int64_t first, std::int64_t last) {
    for_vectors<Acc<T>>(first, last, [&](std::int64_t i, auto part) {
      store(a.y + i, load(a.y + i, part) + load(a.x + i, part), part);
    });
  });
}

template <class T>
void scale(const Scale<T>& a, Queue& q) {
  const auto factor = static_cast<Acc<T>>(a.factor);
  for_blocks("axl::scale", q, a.n, [=](std::int64_t first, std::int64_t last) {
    for_vectors<Acc<T>>(first, last, [&](std::int64_t i, auto part) {
      store(a.x + i, load(a.x + i, part) * factor, part);
    });
  });
}

template <class T>
void rows(const Rows<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::rows", Range(exec_of(q), 0, a.R), [=](std::int64_t r) {
    const T* from = a.x + (a.scatter ? r : std::int64_t{a.rows[r]}) * a.C;
    T* to = a.y + (a.scatter ? std::int64_t{a.rows[r]} : r) * a.C;
    std::copy(from, from + a.C, to);
  });
}

template <class T>
void bias_add(const BiasAdd<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::bias_add", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    T* x = a.x + t * a.C;
#pragma omp simd
    for (std::int64_t c = 0; c < a.C; ++c) x[c] = T(up(x[c]) + up(a.bias[c]));
  });
}

template <class T>
void bias_grad(const BiasGrad<T>& a, Queue& q) {
  using A = Acc<T>;
  const std::int64_t rows_each = (a.T + kBiasPartials - 1) / kBiasPartials;
  Kokkos::parallel_for("axl::bias_grad", Range(exec_of(q), 0, kBiasPartials), [=](std::int64_t b) {
    A* part = a.partial + b * a.C;
    std::fill(part, part + a.C, A(0));
    for (std::int64_t t = b * rows_each; t < std::min(a.T, (b + 1) * rows_each); ++t) {
      const T* dy = a.dy + t * a.C;
#pragma omp simd
      for (std::int64_t c = 0; c < a.C; ++c) part[c] += up(dy[c]);
    }
  });
  for (std::int64_t b = 0; b < kBiasPartials; ++b)
    for (std::int64_t c = 0; c < a.C; ++c) a.dbias[c] += a.partial[b * a.C + c];
}

template <class T>
void dropout(const Dropout<T>& a, Queue& q) {
  using A = Acc<T>;
  const A scale = static_cast<A>(1.0 / (1.0 - a.p));
  for_blocks("axl::dropout", q, a.n, [=](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      const bool keep = dropout_keep(a.key, static_cast<std::uint64_t>(i), a.p);
      const A y = keep ? up(a.x[i]) * scale : A(0);
      a.y[i] = a.accumulate ? T(up(a.y[i]) + y) : T(y);
    }
  });
}

template <class T>
void from_acc(const FromAcc<T>& a, Queue& q) {
  for_blocks("axl::from_acc", q, a.n, [=](std::int64_t first, std::int64_t last) {
    for_vectors<Acc<T>>(
        first, last, [&](std::int64_t i, auto part) { store(a.y + i, load(a.x + i, part), part); });
  });
}

}  // namespace

void add_elementwise(KernelTable& t) {
  t.copy_columns = {"kokkos", &copy_columns<float>, &copy_columns<bf16>, &copy_columns<double>};
  t.fill_zero = &fill_zero;
  t.sum = &sum;
  t.add = {"kokkos", &add<float>, &add<bf16>, &add<double>};
  t.scale = {"kokkos", &scale<float>, &scale<bf16>, &scale<double>};
  t.copy = {"kokkos", &copy<float>, &copy<bf16>, &copy<double>};
  t.rows = {"kokkos", &rows<float>, &rows<bf16>, &rows<double>};
  t.bias_add = {"kokkos", &bias_add<float>, &bias_add<bf16>, &bias_add<double>};
  t.bias_grad = {"kokkos", &bias_grad<float>, &bias_grad<bf16>, &bias_grad<double>};
  t.dropout = {"kokkos", &dropout<float>, &dropout<bf16>, &dropout<double>};
  t.from_acc = {"kokkos", &from_acc<float>, &from_acc<bf16>, &from_acc<double>};
}

}  // namespace axl::kernels::host
