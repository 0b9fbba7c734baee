#include "kokkos/host.hpp"

namespace axl::kernels::host {
namespace {

template <class T>
void rmsnorm_fwd(const RmsNormFwd<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::rmsnorm_fwd", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    using A = Acc<T>;
    const T* x = a.x + t * a.C;
    T* y = a.y + t * a.C;
    A sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t c = 0; c < a.C; ++c) sum += up(x[c]) * up(x[c]);
    const A r = A(1) / std::sqrt(sum / static_cast<A>(a.C) + static_cast<A>(a.eps));
    if (a.rstd != nullptr) a.rstd[t] = r;
#pragma omp simd
    for (std::int64_t c = 0; c < a.C; ++c) y[c] = T(up(x[c]) * r * up(a.w[c]));
  });
}

template <class T>
void rmsnorm_bwd(const RmsNormBwd<T>& a, Queue& q) {
  using A = Acc<T>;
  if (a.dw != nullptr) {  // before dx, which may overwrite dy
    const std::int64_t rows = (a.T + kRmsNormPartials - 1) / kRmsNormPartials;
    Kokkos::parallel_for("axl::rmsnorm_dw", Range(exec_of(q), 0, kRmsNormPartials),
                         [=](std::int64_t b) {
                           A* part = a.partial + b * a.C;
                           std::fill(part, part + a.C, A(0));
                           for (std::int64_t t = b * rows; t < std::min(a.T, (b + 1) * rows); ++t) {
                             const T* x = a.x + t * a.C;
                             const T* dy = a.dy + t * a.C;
                             const A r = a.rstd[t];
#pragma omp simd
                             for (std::int64_t c = 0; c < a.C; ++c)
                               part[c] += up(dy[c]) * up(x[c]) * r;
                           }
                         });
    for (std::int64_t b = 0; b < kRmsNormPartials; ++b)
      for (std::int64_t c = 0; c < a.C; ++c) a.dw[c] += a.partial[b * a.C + c];
  }
  Kokkos::parallel_for("axl::rmsnorm_dx", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    const T* x = a.x + t * a.C;
    const T* dy = a.dy + t * a.C;
    T* dx = a.dx + t * a.C;
    const A r = a.rstd[t];
    A m = 0;
#pragma omp simd reduction(+ : m)
    for (std::int64_t c = 0; c < a.C; ++c) m += up(x[c]) * up(a.w[c]) * up(dy[c]);
    m /= static_cast<A>(a.C);
    if (a.accumulate_dx) {
#pragma omp simd
      for (std::int64_t c = 0; c < a.C; ++c)
        dx[c] = T(up(dx[c]) + rmsnorm_dx<A>(up(x[c]), up(a.w[c]), up(dy[c]), r, m));
    } else {
#pragma omp simd
      for (std::int64_t c = 0; c < a.C; ++c)
        dx[c] = T(rmsnorm_dx<A>(up(x[c]), up(a.w[c]), up(dy[c]), r, m));
    }
  });
}

}  // namespace

void add_rmsnorm(KernelTable& t) {
  t.rmsnorm_fwd = {"kokkos", &rmsnorm_fwd<float>, &rmsnorm_fwd<bf16>, &rmsnorm_fwd<double>};
  t.rmsnorm_bwd = {"kokkos", &rmsnorm_bwd<float>, &rmsnorm_bwd<bf16>, &rmsnorm_bwd<double>};
}

}  // namespace axl::kernels::host
