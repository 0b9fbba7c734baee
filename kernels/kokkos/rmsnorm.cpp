#include "kokkos/host.hpp"
#include "kokkos/simd.hpp"

namespace axl::kernels::host {
namespace {

template <class T>
void rmsnorm_fwd(const RmsNormFwd<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::rmsnorm_fwd", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    using A = Acc<T>;
    const T* x = a.x + t * a.C;
    T* y = a.y + t * a.C;
    Vec<A> sum = {};
    for_vectors<A>(0, a.C, [&](std::int64_t c, auto part) {
      const Vec<A> v = load(x + c, part);
      sum += v * v;
    });
    const A mean = sum_lanes<A>(sum) / static_cast<A>(a.C);
    const A r = A(1) / std::sqrt(mean + static_cast<A>(a.eps));
    if (a.rstd != nullptr) a.rstd[t] = r;
    const A offset = static_cast<A>(a.offset);
    for_vectors<A>(0, a.C, [&](std::int64_t c, auto part) {
      store(y + c, load(x + c, part) * r * (load(a.w + c, part) + offset), part);
    });
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
                             for_vectors<A>(0, a.C, [&](std::int64_t c, auto some) {
                               const Vec<A> dw = load(dy + c, some) * load(x + c, some) * r;
                               store(part + c, load(part + c, some) + dw, some);
                             });
                           }
                         });
    for (std::int64_t b = 0; b < kRmsNormPartials; ++b)
      for (std::int64_t c = 0; c < a.C; ++c) a.dw[c] += a.partial[b * a.C + c];
  }
  Kokkos::parallel_for("axl::rmsnorm_dx", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    const T* x = a.x + t * a.C;
    const T* dy = a.dy + t * a.C;
    T* dx = a.dx + t * a.C;
    const A r = a.rstd[t], offset = static_cast<A>(a.offset);
    Vec<A> dots = {};
    for_vectors<A>(0, a.C, [&](std::int64_t c, auto part) {
      dots += load(x + c, part) * (load(a.w + c, part) + offset) * load(dy + c, part);
    });
    const Vec<A> rs = splat(r), m = splat(sum_lanes<A>(dots) / static_cast<A>(a.C));
    for_vectors<A>(0, a.C, [&](std::int64_t c, auto part) {
      const Vec<A> before = a.accumulate_dx ? load(dx + c, part) : Vec<A>{};
      const Vec<A> d = rmsnorm_dx<Vec<A>>(load(x + c, part), load(a.w + c, part) + offset,
                                          load(dy + c, part), rs, m);
      store(dx + c, before + d, part);
    });
  });
}

}  // namespace

void add_rmsnorm(KernelTable& t) {
  t.rmsnorm_fwd = {"kokkos", &rmsnorm_fwd<float>, &rmsnorm_fwd<bf16>, &rmsnorm_fwd<double>};
  t.rmsnorm_bwd = {"kokkos", &rmsnorm_bwd<float>, &rmsnorm_bwd<bf16>, &rmsnorm_bwd<double>};
}

}  // namespace axl::kernels::host
