#include "kokkos/host.hpp"

namespace axl::kernels::host {
namespace {

template <class T>
void swiglu_fwd(const SwigluFwd<T>& a, Queue& q) {
  for_blocks("axl::swiglu_fwd", q, a.n, [=](std::int64_t first, std::int64_t last) {
    using A = Acc<T>;
#pragma omp simd
    for (std::int64_t i = first; i < last; ++i) {
      const A g = up(a.g[i]);
      a.y[i] = T(g / (A(1) + exp_of(-g)) * up(a.u[i]));
    }
  });
}

template <class T>
void swiglu_bwd(const SwigluBwd<T>& a, Queue& q) {
  for_blocks("axl::swiglu_bwd", q, a.n, [=](std::int64_t first, std::int64_t last) {
    using A = Acc<T>;
#pragma omp simd
    for (std::int64_t i = first; i < last; ++i) {
      const A g = up(a.g[i]), u = up(a.u[i]), dy = up(a.dy[i]);
      const A sigma = A(1) / (A(1) + exp_of(-g));
      a.dg[i] = T(dy * u * silu_prime(g, sigma));
      a.du[i] = T(dy * g * sigma);
    }
  });
}

template <class T>
void rope(const Rope<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::rope", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    using A = Acc<T>;
    const std::int64_t half = a.D / 2;
    const A* cos = a.cos + a.positions[t] * half;
    const A* sin = a.sin + a.positions[t] * half;
    const A sign = a.inverse ? A(-1) : A(1);
    for (std::int64_t h = 0; h < a.H; ++h) {
      T* x = a.x + t * a.stride + h * a.D;
#pragma omp simd
      for (std::int64_t i = 0; i < half; ++i) {
        const A first = up(x[i]), second = up(x[i + half]);
        const A s = sign * sin[i];
        x[i] = T(first * cos[i] - second * s);
        x[i + half] = T(second * cos[i] + first * s);
      }
    }
  });
}

}  // namespace

void add_activations(KernelTable& t) {
  t.swiglu_fwd = {"kokkos", &swiglu_fwd<float>, &swiglu_fwd<bf16>, &swiglu_fwd<double>};
  t.swiglu_bwd = {"kokkos", &swiglu_bwd<float>, &swiglu_bwd<bf16>, &swiglu_bwd<double>};
  t.rope = {"kokkos", &rope<float>, &rope<bf16>, &rope<double>};
}

}  // namespace axl::kernels::host
